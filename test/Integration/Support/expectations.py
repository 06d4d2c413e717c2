"""What is known of single models. SQNR limits are measured values less about
1 dB. `ort_sqnr_db` is onnxruntime's static int8 (per-channel weights, u8 min-max
activations) on the same data, which we must not miss by more than 2 dB.

For every model here, each contraction with constant weights must be integer and
weights must shrink; the first three are trained, so that accuracy means something.
"""

MODELS = {
    "digits_dwcnn": {"min_sqnr_db": 33.0, "ort_sqnr_db": 33, "dynamic_sqnr_db": 31.0},
    "tiny_transformer": {"min_sqnr_db": 32.5, "ort_sqnr_db": 26, "dynamic_sqnr_db": 34.5},
    "kws_dsconv1d": {"min_sqnr_db": 31.2, "ort_sqnr_db": 32},
    "dlrm_clicks": {"min_sqnr_db": 17.0},
    "resnet_s": {"min_sqnr_db": 18.0},
    "bert_s": {"min_sqnr_db": 34.5},
    "vit_s": {"min_sqnr_db": 32.5},
    "yolo_s": {"min_sqnr_db": 42.0},
    "convgru_s": {"min_sqnr_db": 69.0},
    "dlrm_s": {"min_sqnr_db": 50.0},
    "tinycnn": {"min_sqnr_db": 63.5},
    "tinycnn.fx_linalg": {"min_sqnr_db": 63.5},
    "mobilenet_s": {"min_sqnr_db": 6.5},
}
