"""The runtime of an exported detector: the standard library, NumPy and onnxruntime, nothing else."""
