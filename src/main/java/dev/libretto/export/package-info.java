/** Exports and imports models: weights as safetensors in the layouts of Keras and PyTorch, SavedModel and ONNX. */
package dev.libretto.export;
