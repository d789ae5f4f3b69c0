/** Sets up TensorFlow and finds the device to compute on. */
package dev.libretto.device;
