/** Pictures of how runs learn. */
package dev.libretto.plot;
