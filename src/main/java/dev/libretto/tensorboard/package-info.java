/** Event files for TensorBoard. */
package dev.libretto.tensorboard;
