/**
 * Weights that other programs read and write: the file formats safetensors and npz, and the layouts of Keras and PyTorch.
 */
package dev.libretto.export;
