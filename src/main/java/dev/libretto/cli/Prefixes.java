package dev.libretto.cli;

import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.text.Vocabulary;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/** The texts to continue, batch by batch, as ids. */
interface Prefixes extends AutoCloseable {
    /**
     * The next batch; empty once there is none.
     *
     * @throws IOException if the texts cannot be read
     * @throws IllegalArgumentException naming the text that cannot be continued
     */
    List<int[]> next() throws IOException;

    @Override
    default void close() throws IOException {}

    /** Texts from the command line, each a batch of its own, so that it is printed as it is written. */
    static Prefixes given(List<String> texts, Vocabulary vocabulary, Unknown unknown) {
        Queue<int[]> encoded = new ArrayDeque<>();
        for (String text : texts) {
            encoded.add(Prefix.encode(vocabulary, text, Prefix.quoted(text), unknown));
        }
        return () -> encoded.isEmpty() ? List.of() : List.of(encoded.remove());
    }

    /** The whole text of a file, without a line end at its very end. */
    static Prefixes file(Path file, Console console, Vocabulary vocabulary, Unknown unknown) throws IOException {
        String name = Lines.name(file);
        String text;
        try (InputStream input = Lines.open(file, console)) {
            text = Lines.decode(input.readNBytes(Lines.MAX_BYTES + 1), name).replaceFirst("\\r?\\n\\z", "");
        }
        Queue<int[]> encoded = new ArrayDeque<>(List.of(Prefix.encode(vocabulary, text, name, unknown)));
        return () -> encoded.isEmpty() ? List.of() : List.of(encoded.remove());
    }

    /** The lines of a file, so many at a time. */
    static Prefixes lines(Path file, int batchSize, Console console, Vocabulary vocabulary, Unknown unknown)
            throws IOException {
        return new Lines(Lines.open(file, console), Lines.name(file), batchSize, vocabulary, unknown);
    }

    /** Reads lines of UTF-8. */
    final class Lines implements Prefixes {
        /** Enough for the most characters in UTF-8, a byte order mark and a line end. */
        private static final int MAX_BYTES = 4 * Prefix.MAX_CHARACTERS + 5;

        private final InputStream input;
        private final String name;
        private final int batchSize;
        private final Vocabulary vocabulary;
        private final Unknown unknown;
        private int line;
        /** What is wrong with the line after the last batch. */
        private IllegalArgumentException failure;

        private Lines(InputStream input, String name, int batchSize, Vocabulary vocabulary, Unknown unknown) {
            this.input = new BufferedInputStream(input);
            this.name = name;
            this.batchSize = batchSize;
            this.vocabulary = vocabulary;
            this.unknown = unknown;
        }

        /** The next lines; those before a wrong one are a batch of their own, so that nothing before it is lost. */
        @Override
        public List<int[]> next() throws IOException {
            List<int[]> batch = new ArrayList<>();
            try {
                String text = failure == null ? readLine() : null;
                while (text != null) {
                    batch.add(Prefix.encode(vocabulary, text, lineName(), unknown));
                    text = batch.size() == batchSize ? null : readLine();
                }
            } catch (IllegalArgumentException e) {
                failure = e;
            }
            if (batch.isEmpty() && failure != null) {
                throw failure;
            }
            return batch;
        }

        private String lineName() {
            return "line " + line + " of " + name;
        }

        /** The next line without its end; null once there is none. */
        private String readLine() throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int next = input.read();
            if (next < 0) {
                return null;
            }
            line++;
            for (; next >= 0 && next != '\n' && bytes.size() <= MAX_BYTES; next = input.read()) {
                bytes.write(next);
            }
            String text = decode(bytes.toByteArray(), lineName());
            return text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
        }

        /** @throws IllegalArgumentException if the bytes are too many or not UTF-8 */
        private static String decode(byte[] bytes, String name) {
            if (bytes.length > MAX_BYTES) {
                throw Prefix.tooLong(name);
            }
            try {
                String text = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes))
                        .toString();
                return text.startsWith("\uFEFF") ? text.substring(1) : text;
            } catch (CharacterCodingException e) {
                throw new IllegalArgumentException(name + " is not UTF-8", e);
            }
        }

        private static InputStream open(Path file, Console console) throws IOException {
            if (isStdin(file)) {
                return console.in();
            }
            if (Files.isDirectory(file)) {
                throw new IOException(file + " is a directory; name a file");
            }
            return Files.newInputStream(file);
        }

        private static String name(Path file) {
            return isStdin(file) ? "stdin" : file.toString();
        }

        private static boolean isStdin(Path file) {
            return file.toString().equals("-");
        }

        @Override
        public void close() throws IOException {
            input.close();
        }
    }
}
