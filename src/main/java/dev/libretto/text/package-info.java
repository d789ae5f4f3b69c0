/**
 * Text as numbers: reads a corpus, maps characters to ids, and cuts the ids into batches. Depends on the JDK
 * and, to unpack files, on Commons Compress, XZ for Java and aircompressor.
 *
 * <p>A character is a Unicode code point, so an emoji is one character.
 */
package dev.libretto.text;
