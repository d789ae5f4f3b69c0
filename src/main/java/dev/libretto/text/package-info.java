/**
 * Text as numbers: reads a corpus, maps characters to ids, and cuts the ids into batches. Depends on the JDK alone.
 *
 * <p>A character is a Unicode code point, so an emoji is one character.
 */
package dev.libretto.text;
