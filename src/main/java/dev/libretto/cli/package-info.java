/** The command line: options become records, records go into one library call. Only {@code Main} exits the process. */
package dev.libretto.cli;
