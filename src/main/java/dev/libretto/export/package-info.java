/** Exports and imports models: weights as safetensors and npz in the layouts of Keras and PyTorch, SavedModel and ONNX. */
package dev.libretto.export;
