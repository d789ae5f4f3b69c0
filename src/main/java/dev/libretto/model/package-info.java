/**
 * The language model as TensorFlow operations. Knows TensorFlow and a vocabulary's size, and nothing of text.
 *
 * <p>The letters in every shape: T time steps, B batch, V vocabulary, H hidden. Everything is time-major.
 */
package dev.libretto.model;
