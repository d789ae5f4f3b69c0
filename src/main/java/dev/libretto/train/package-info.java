/** Training and evaluation: the training graph, the loop over epochs, metrics and checkpoints. */
package dev.libretto.train;
