/** Measurements of the program itself. */
package dev.libretto.benchmark;
