package dev.libretto.train;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Which text a run learns from, and how to read it again.
 *
 * @param files the absolute paths of the files and directories it was read from, in order; none for the built-in
 *     lyrics
 * @param encoding the character encoding of the file
 * @param maxChars how many characters were asked for; 0 is all
 * @param keepNewlines whether newlines and carriage returns stayed as they are instead of becoming spaces
 * @param minCount how often a character had to occur to be in the vocabulary
 * @param unknownCharacter whether U+FFFD, if it is in the vocabulary, stands for all characters that are not. False if the text is known and the minimum count is 1
 * @param characters how many characters were used; 0 where the text is not known
 * @param sha256 the hash of those characters as UTF-8, in hexadecimal; empty where the text is not known
 */
public record CorpusInfo(
        List<String> files,
        String encoding,
        long maxChars,
        boolean keepNewlines,
        int minCount,

        @JacksonInject(value = UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
        boolean unknownCharacter,

        long characters,
        String sha256) {
    /**
     * The name of the default for {@link #unknownCharacter} in files of earlier versions, which lack it: U+FFFD always stood for
     * unknown characters.
     */
    public static final String UNKNOWN_CHARACTER = "unknownCharacter";

    /** @throws IllegalArgumentException if a value cannot be */
    public CorpusInfo {
        Objects.requireNonNull(sha256, "corpus sha256");
        Objects.requireNonNull(encoding, "corpus encoding");
        Objects.requireNonNull(files, "corpus files");
        for (String file : files) {
            Objects.requireNonNull(file, "one of the corpus files");
        }
        files = List.copyOf(files);
        // Both check what they are given.
        options(maxChars, keepNewlines, encoding, minCount);
        paths(files);
        boolean isUnknown = characters == 0 && sha256.isEmpty();
        if (characters < 1 && !isUnknown) {
            throw new IllegalArgumentException("characters is " + characters + "; it must be at least 1");
        }
        unknownCharacter &= isUnknown || minCount > 1;
    }

    /** Returns where a corpus came from. */
    public static CorpusInfo of(Corpus corpus) {
        CorpusOptions options = corpus.options();
        return new CorpusInfo(
                corpus.files().stream()
                        .map(path -> path.toAbsolutePath().normalize().toString())
                        .toList(),
                options.encoding().name(),
                options.maxChars(),
                options.keepNewlines(),
                options.minCount(),
                true,
                corpus.length(),
                corpus.sha256());
    }

    /** The text of a model that was trained elsewhere: all that is known is what becomes of some characters. */
    public static CorpusInfo unknown(boolean keepNewlines, boolean unknownCharacter) {
        String encoding = StandardCharsets.UTF_8.name();
        return new CorpusInfo(List.of(), encoding, 0, keepNewlines, 1, unknownCharacter, 0, "");
    }

    /** Whether it is known which text it is, so that it can be read again. */
    public boolean known() {
        return characters > 0;
    }

    /** The files and directories it was read from. */
    public List<Path> paths() {
        return paths(files);
    }

    private static List<Path> paths(List<String> files) {
        return files.stream().map(Path::of).toList();
    }

    /** How the text is read. */
    public CorpusOptions options() {
        return options(maxChars, keepNewlines, encoding, minCount);
    }

    private static CorpusOptions options(long maxChars, boolean keepNewlines, String encoding, int minCount) {
        try {
            return CorpusOptions.WHOLE_TEXT
                    .withMaxChars(maxChars)
                    .withKeepNewlines(keepNewlines)
                    .withMinCount(minCount)
                    .withEncoding(Charset.forName(encoding));
        } catch (UnsupportedCharsetException | IllegalCharsetNameException e) {
            throw new IllegalArgumentException("Java does not know the encoding " + encoding, e);
        }
    }
}
