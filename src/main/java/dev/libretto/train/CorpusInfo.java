package dev.libretto.train;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.OptBoolean;
import dev.libretto.text.BadBytes;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Documents;
import dev.libretto.text.Normalization;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * Identifies the text that a run was trained on, and says how to read it again.
 *
 * @param files absolute paths of its files and directories, in order; empty for the built-in lyrics
 * @param include patterns of the names of the files that are read of directories and archives; empty for text files
 * @param encoding the character encoding of the files
 * @param badBytes what is done with bytes that are not in the encoding
 * @param normalization the Unicode normalization form of the text
 * @param maxChars the limit on the number of characters; 0 for none
 * @param keepNewlines whether newlines were kept instead of becoming spaces
 * @param documents how the text is divided into documents
 * @param minCount the least number of occurrences of a character in the vocabulary
 * @param unknownCharacter whether U+FFFD, if in the vocabulary, stands for all unknown characters; false if the text is known
 *     and the minimum count is 1
 * @param characters the number of characters used; 0 if the text is not known
 * @param sha256 the hash of these characters as UTF-8, in hexadecimal; empty if the text is not known
 */
public record CorpusInfo(
        List<String> files,

        @JacksonInject(value = INCLUDE, useInput = OptBoolean.TRUE)
        List<String> include,

        String encoding,

        @JacksonInject(value = BAD_BYTES, useInput = OptBoolean.TRUE)
        BadBytes badBytes,

        @JacksonInject(value = NORMALIZATION, useInput = OptBoolean.TRUE)
        Normalization normalization,

        long maxChars,
        boolean keepNewlines,

        @JacksonInject(value = DOCUMENTS, useInput = OptBoolean.TRUE)
        Documents documents,

        int minCount,

        @JacksonInject(value = UNKNOWN_CHARACTER, useInput = OptBoolean.TRUE)
        boolean unknownCharacter,

        long characters,
        String sha256) {
    /** The name of the default for {@link #unknownCharacter}. Files of earlier versions lack it: U+FFFD was always special. */
    public static final String UNKNOWN_CHARACTER = "unknownCharacter";
    /** The names of the defaults of what files of earlier versions lack. */
    public static final String INCLUDE = "include";

    public static final String BAD_BYTES = "badBytes";
    public static final String NORMALIZATION = "normalization";

    /** The name of the default for {@link #documents} in files of earlier versions: none. */
    public static final String DOCUMENTS = "documents";

    /** @throws IllegalArgumentException if a value is out of range */
    public CorpusInfo {
        Objects.requireNonNull(sha256, "corpus sha256");
        Objects.requireNonNull(encoding, "corpus encoding");
        Objects.requireNonNull(documents, "corpus documents");
        Objects.requireNonNull(files, "corpus files");
        Objects.requireNonNull(badBytes, "corpus badBytes");
        Objects.requireNonNull(normalization, "corpus normalization");
        Objects.requireNonNull(include, "corpus include");
        for (String file : files) {
            Objects.requireNonNull(file, "one of the corpus files");
        }
        for (String pattern : include) {
            Objects.requireNonNull(pattern, "one of the corpus include");
        }
        files = List.copyOf(files);
        include = List.copyOf(include);
        // Both validate their arguments.
        plainOptions(maxChars, keepNewlines, documents, encoding, minCount);
        paths(files);
        boolean isUnknown = characters == 0 && sha256.isEmpty();
        if (characters < 1 && !isUnknown) {
            throw new IllegalArgumentException("characters must be at least 1 (got " + characters + ")");
        }
        unknownCharacter &= isUnknown || minCount > 1;
    }

    /** Returns the description of a corpus. */
    public static CorpusInfo of(Corpus corpus) {
        CorpusOptions options = corpus.options();
        return new CorpusInfo(
                corpus.files().stream()
                        .map(path -> path.toAbsolutePath().normalize().toString())
                        .toList(),
                options.include(),
                options.encoding().name(),
                options.badBytes(),
                options.normalization(),
                options.maxChars(),
                options.keepNewlines(),
                options.documents(),
                options.minCount(),
                true,
                corpus.characters(),
                corpus.sha256());
    }

    /** Returns the description of the unknown text of a model trained elsewhere. */
    public static CorpusInfo unknown(boolean keepNewlines, Normalization normalization, boolean unknownCharacter) {
        String encoding = StandardCharsets.UTF_8.name();
        return new CorpusInfo(
                List.of(),
                List.of(),
                encoding,
                BadBytes.ERROR,
                normalization,
                0,
                keepNewlines,
                Documents.NONE,
                1,
                unknownCharacter,
                0,
                "");
    }

    /** Returns whether the text is known, so that it can be read again. */
    public boolean known() {
        return characters > 0;
    }

    /** Returns the files and directories that the text was read from. */
    public List<Path> paths() {
        return paths(files);
    }

    private static List<Path> paths(List<String> files) {
        return files.stream().map(Path::of).toList();
    }

    /** Returns how to read the text. */
    public CorpusOptions options() {
        return plainOptions(maxChars, keepNewlines, documents, encoding, minCount)
                .withBadBytes(badBytes)
                .withNormalization(normalization)
                .withInclude(include);
    }

    private static CorpusOptions plainOptions(
            long maxChars, boolean keepNewlines, Documents documents, String encoding, int minCount) {
        try {
            return CorpusOptions.WHOLE_TEXT
                    .withMaxChars(maxChars)
                    .withKeepNewlines(keepNewlines)
                    .withDocuments(documents)
                    .withMinCount(minCount)
                    .withEncoding(Charset.forName(encoding));
        } catch (UnsupportedCharsetException | IllegalCharsetNameException e) {
            throw new IllegalArgumentException("Java does not know the encoding " + encoding, e);
        }
    }
}
