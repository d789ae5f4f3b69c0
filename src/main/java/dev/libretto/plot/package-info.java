/** Plots of learning curves. */
package dev.libretto.plot;
