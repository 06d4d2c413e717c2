"""What is known of single models. Figures are measured, with a small margin;
`ort_sqnr_db` is onnxruntime's static int8 (per-channel weights, u8 min-max
activations) on the same data, which we must not miss by more than 2 dB."""

MODELS = {
    "digits_dwcnn": {"ort_sqnr_db": 33, "min_sqnr_db": 31, "dynamic_sqnr_db": 31},
    "tiny_transformer": {"ort_sqnr_db": 26, "min_sqnr_db": 24, "dynamic_sqnr_db": 24},
    "kws_dsconv1d": {"ort_sqnr_db": 32, "min_sqnr_db": 30, "dynamic_sqnr_db": 30},
    # Every contraction with constant weights is integer.
    "dlrm_clicks": {},
    "resnet_s": {},
    "bert_s": {},
    "mobilenet_s": {},
}
