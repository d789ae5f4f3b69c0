/**
 * Libretto as a library: {@link dev.libretto.Training} fits a {@link dev.libretto.CharModel} to a text. The packages
 * below hold what these are made of.
 */
package dev.libretto;
