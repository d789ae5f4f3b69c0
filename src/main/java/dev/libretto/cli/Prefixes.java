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

/** Reads the texts to continue in batches, as ids. */
interface Prefixes extends AutoCloseable {
    /**
     * Returns the next batch; empty at the end.
     *
     * @throws IllegalArgumentException if a text cannot be continued
     */
    List<int[]> next() throws IOException;

    @Override
    default void close() throws IOException {}

    /** Returns texts of the command line, each its own batch, so that it is printed while it is generated. */
    static Prefixes given(List<String> texts, Vocabulary vocabulary, Unknown unknown) {
        Queue<int[]> encoded = new ArrayDeque<>();
        for (String text : texts) {
            encoded.add(Prefix.encode(vocabulary, text, Prefix.quoted(text), unknown));
        }
        return () -> encoded.isEmpty() ? List.of() : List.of(encoded.remove());
    }

    /** Returns the whole text of a file without its last line end. */
    static Prefixes file(Path file, Console console, Vocabulary vocabulary, Unknown unknown) throws IOException {
        String name = Lines.name(file);
        String text;
        try (InputStream input = Lines.open(file, console)) {
            text = Lines.decode(input.readNBytes(Lines.MAX_BYTES + 1), name).replaceFirst("\\r?\\n\\z", "");
        }
        Queue<int[]> encoded = new ArrayDeque<>(List.of(Prefix.encode(vocabulary, text, name, unknown)));
        return () -> encoded.isEmpty() ? List.of() : List.of(encoded.remove());
    }

    /** Returns the lines of a file in batches. */
    static Prefixes lines(Path file, int batchSize, Console console, Vocabulary vocabulary, Unknown unknown)
            throws IOException {
        return new Lines(Lines.open(file, console), Lines.name(file), batchSize, vocabulary, unknown);
    }

    final class Lines implements Prefixes {
        /** The longest prefix in UTF-8, with a byte order mark and a line end. */
        private static final int MAX_BYTES = 4 * Prefix.MAX_CHARACTERS + 5;

        private final InputStream input;
        private final String name;
        private final int batchSize;
        private final Vocabulary vocabulary;
        private final Unknown unknown;
        private int line;
        /** The error of the line after the last batch; null if none. */
        private IllegalArgumentException failure;

        private Lines(InputStream input, String name, int batchSize, Vocabulary vocabulary, Unknown unknown) {
            this.input = new BufferedInputStream(input);
            this.name = name;
            this.batchSize = batchSize;
            this.vocabulary = vocabulary;
            this.unknown = unknown;
        }

        /** Returns the lines before an invalid one as a batch of their own, so that they are still continued. */
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

        /** Returns null at the end. */
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
                throw new IllegalArgumentException(name + " is not UTF-8; convert it to UTF-8", e);
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
