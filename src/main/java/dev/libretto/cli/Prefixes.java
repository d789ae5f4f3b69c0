package dev.libretto.cli;

import dev.libretto.cli.GenerateFlags.Unknown;
import dev.libretto.run.Disk;
import dev.libretto.text.Vocabulary;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Reads the texts to continue in batches, as ids. */
interface Prefixes extends AutoCloseable {
    /** Returns the next batch; empty at the end. */
    List<int[]> next() throws IOException;

    @Override
    default void close() throws IOException {}

    /** Returns texts of the command line, each its own batch, so that it is printed while it is generated. */
    static Prefixes given(List<String> texts, Vocabulary vocabulary, Unknown unknown) {
        return of(texts.stream()
                .map(text -> Prefix.encode(vocabulary, text, Prefix.quoted(text), unknown))
                .toArray(int[][]::new));
    }

    /** Returns the empty beginning of a document. */
    static Prefixes empty() {
        return of(new int[0]);
    }

    /** Returns texts that are encoded, each its own batch. */
    static Prefixes of(int[]... texts) {
        Iterator<int[]> next = List.of(texts).iterator();
        return () -> next.hasNext() ? List.of(next.next()) : List.of();
    }

    /** Returns the whole text of a file without its last line end. */
    static Prefixes file(Path file, Console console, Vocabulary vocabulary, Unknown unknown) throws IOException {
        return of(Prefix.encode(vocabulary, text(file, console), Lines.name(file), unknown));
    }

    /** Returns the text of a file, or of stdin for -, without its last line end. */
    static String text(Path file, Console console) throws IOException {
        try (InputStream input = Lines.open(file, console)) {
            return Lines.decode(input.readNBytes(Lines.MAX_BYTES + 1), Lines.name(file))
                    .replaceFirst("(\\r\\n|\\r|\\n)\\z", "");
        }
    }

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
                boolean hasMore = failure == null;
                while (hasMore && batch.size() < batchSize) {
                    hasMore = readLine(batch);
                }
            } catch (IllegalArgumentException e) {
                failure = e;
            }
            if (batch.isEmpty() && failure != null) {
                throw failure;
            }
            return batch;
        }

        /** Returns false at the end. */
        private boolean readLine(List<int[]> batch) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            int next = input.read();
            if (next < 0) {
                return false;
            }
            line++;
            for (; next >= 0 && next != '\n' && next != '\r' && bytes.size() <= MAX_BYTES; next = input.read()) {
                bytes.write(next);
            }
            if (next == '\r') {
                skipNewline();
            }
            String lineName = "line " + line + " of " + name;
            String text = decode(bytes.toByteArray(), lineName);
            batch.add(Prefix.encode(vocabulary, text, lineName, unknown));
            return true;
        }

        /** CR LF ends one line. */
        private void skipNewline() throws IOException {
            input.mark(1);
            if (input.read() != '\n') {
                input.reset();
            }
        }

        private static String decode(byte[] bytes, String name) {
            if (bytes.length > MAX_BYTES) {
                throw Prefix.tooLong(name);
            }
            try {
                return Disk.decodeUtf8(bytes);
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
