/** How a device is named and found. */
package dev.libretto.device;
