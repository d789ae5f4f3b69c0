/** Generates text with a trained model. */
package dev.libretto.generate;
