"""Small random models of many architectures, made of transformers' own configurations."""

from __future__ import annotations

import re
from typing import Any

import torch
import transformers as t

from refimpl import _targets

VOCABULARY = 96
_NAMES = {  # as transformers calls the classes, before `ForCausalLM` and the like
    "Decoders": (
        "Llama Llama,tied Llama,biased Llama,one-key-head Apertus Arcee BioGpt BitNet Bloom CodeGen Cohere Cohere2 "
        "CTRL Ernie4_5 Exaone4 Falcon Gemma Gemma2 Gemma3 Glm Glm4 GPT2 GPTBigCode GPTJ GPTNeo GPTNeoX Granite Helium "
        "Mistral Mistral,windows Mpt Nemotron Olmo Olmo2 OPT Persimmon Phi Phi3 Qwen2 Qwen3 SeedOss SmolLM3 StableLm "
        "Starcoder2 XGLM"
    ),
    "Mixtures of experts": ("DeepseekV2 DeepseekV3 GptOss GraniteMoe Llama4 Mixtral Olmoe Phimoe Qwen2Moe Qwen3Moe"),
    "Decoders with a state": ("Bamba FalconH1 FalconMamba Jamba Lfm2 Mamba Mamba2 Qwen3Next RecurrentGemma Rwkv"),
    "Encoders with a decoder": ("Bart Blenderbot LED M2M100 Marian MBart MT5 Pegasus SwitchTransformers T5 UMT5"),
    "Encoders": ("Albert Bert DebertaV2 DistilBert Electra ModernBert MPNet Roberta XLMRoberta"),
}
GROUPS = {
    group: [re.sub(r",(.*)", r" (\1)", name).replace("-", " ") for name in names.split()]
    for group, names in _NAMES.items()
}
MODELS = [name for names in GROUPS.values() for name in names]
_DECODERS, _PAIRS = ("ForCausalLM", "LMHeadModel"), ("ForConditionalGeneration", "MTModel")
_CALLED = {  # what the configurations call the same sizes
    32: "hidden_size n_embd d_model dim attention_hidden_size lru_width embedding_size word_embed_proj_dim "
    "moe_intermediate_size shared_expert_intermediate_size sliding_window attention_window_size",
    48: "intermediate_size intermediate_size_mlp ffn_dim d_ff d_inner dff hidden_dim encoder_ffn_dim decoder_ffn_dim",
    16: "kv_lora_rank q_lora_rank mamba_d_head time_step_rank mamba_dt_rank expert_capacity",
    8: "head_dim d_kv qk_nope_head_dim qk_rope_head_dim v_head_dim linear_key_head_dim linear_value_head_dim "
    "attention_window mamba_d_state mamba_chunk_size chunk_size state_size",
    4: "num_attention_heads n_head n_heads num_heads attention_heads encoder_attention_heads decoder_attention_heads "
    "num_experts num_local_experts n_routed_experts rotary_dim linear_num_value_heads mamba_n_heads",
    2: "num_hidden_layers n_layer n_layers num_layers encoder_layers decoder_layers num_key_value_heads eos_token_id "
    "num_experts_per_tok linear_num_key_heads attn_layer_period expert_layer_period expansion_ratio",
    1: "bos_token_id n_shared_experts first_k_dense_replace n_group topk_group mamba_n_groups n_groups "
    "attn_layer_offset expert_layer_offset num_sparse_encoder_layers num_sparse_decoder_layers",
    64: "max_position_embeddings n_positions n_ctx max_seq_len context_length mamba_d_ssm "
    "max_encoder_position_embeddings max_decoder_position_embeddings",
    0.0: "dropout hidden_dropout_prob attention_probs_dropout_prob embd_pdrop resid_pdrop attn_pdrop "
    "attention_dropout residual_dropout embedding_dropout embed_dropout resid_dropout dropout_rate "
    "seq_classif_dropout classifier_dropout_prob router_aux_loss_coef encoder_layerdrop decoder_layerdrop layerdrop",
    3: "num_labels",
}
_COMMON = {
    "vocab_size": VOCABULARY,
    "pad_token_id": 0,
    **{name: n for n, names in _CALLED.items() for name in names.split()},
}
_PAIR = {"decoder_start_token_id": 2, "forced_eos_token_id": None}
_T5 = {"decoder_start_token_id": 0, "tie_word_embeddings": False}
_OWN: dict[str, dict[str, Any]] = {  # what is not as above, or has to be said besides
    "Llama (tied)": {"tie_word_embeddings": True},
    "Llama (biased)": {"attention_bias": True, "mlp_bias": True},
    "Llama (one key head)": {"num_key_value_heads": 1},
    "Bamba": {"attn_layer_indices": [1]},
    "DeepseekV2": {"num_key_value_heads": 4},
    "DeepseekV3": {"num_key_value_heads": 4},
    "Exaone4": {"sliding_window_pattern": 2},
    "Falcon": {"multi_query": True},
    "GPTNeo": {"attention_types": [[["global", "local"], 1]], "window_size": 32},
    "Jamba": {"use_mamba_kernels": False},
    "Lfm2": {"layer_types": ["conv", "full_attention"]},
    "Llama4": {"num_experts_per_tok": 1, "moe_layers": [1]},
    "Mamba2": {"head_dim": 16},
    "Mistral": {"sliding_window": None},
    "ModernBert": {"cls_token_id": 1, "sep_token_id": 2},
    "Qwen3Next": {"layer_types": ["linear_attention", "full_attention"]},
    "RecurrentGemma": {"block_types": ["recurrent", "attention"], "num_key_value_heads": 1},
    "Roberta": {"type_vocab_size": 1},
    "XLMRoberta": {"type_vocab_size": 1},
    **dict.fromkeys(("Bart", "Blenderbot", "LED", "M2M100", "Marian", "MBart", "Pegasus"), _PAIR),
    **dict.fromkeys(("MT5", "T5", "UMT5"), _T5),
    "SwitchTransformers": _T5 | {"num_decoder_layers": 2},
}


def model_of(name: str) -> Any:
    """A random model of this architecture, the same each time. Its norms have gains that are not all alike."""
    torch.manual_seed(0)
    prefix, pairs = name.partition(" ")[0], name in GROUPS["Encoders with a decoder"]
    ends = ["ForSequenceClassification"] if name in GROUPS["Encoders"] else _PAIRS if pairs else _DECODERS
    made: Any = next(getattr(t, prefix + end) for end in ends if hasattr(t, prefix + end))
    worked_out = {key for key in _COMMON if getattr(getattr(made.config_class, key, 0), "fset", 0) is None}
    sizes = {key: size for key, size in _COMMON.items() if key not in worked_out} | _OWN.get(name, {})
    model = made(made.config_class(**sizes)).eval()
    with torch.no_grad():
        for norm in _targets.norms(model).values():
            for p in norm.parameters():
                p.add_(torch.randn_like(p), alpha=0.1)
    return model
