/** Training and evaluation: the graph of a step, the loop over epochs, and what is measured. */
package dev.libretto.train;
