/**
 * The language model as TensorFlow operations, independent of text.
 *
 * <p>Shape letters: T time steps, B batch, V vocabulary, H hidden, G gates, I input. Arrays are time-major.
 */
package dev.libretto.model;
