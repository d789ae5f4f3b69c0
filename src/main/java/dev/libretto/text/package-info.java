/**
 * Text as numbers: reading a corpus, giving each character an id, cutting ids into batches. Knows only the JDK.
 *
 * <p>A character here is a Unicode code point, so an emoji is one character.
 */
package dev.libretto.text;
