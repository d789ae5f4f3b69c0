package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/**
 * One pass over a text. Maps each character to its index in the alphabet; the indexes are kept in memory, or in an index
 * file once there are too many.
 */
final class CorpusPass implements AutoCloseable {
    /** The most characters that fit in an array. */
    static final int MAX_IN_MEMORY = Integer.MAX_VALUE - 8;

    private final String name;
    private final CorpusOptions options;
    private final IndexFile index;
    private final int inMemory;
    private final Alphabet alphabet = new Alphabet();
    private final TextHash hash = new TextHash();
    private final int[] chunk = new int[1 << 14];
    private int[] memory = new int[1 << 14];
    private long length;
    private long bytes;
    private long malformed;
    /** Null while the text fits in memory. */
    private IndexWriter writer;

    /** @param index the file for more than {@code inMemory} characters; null to throw instead */
    CorpusPass(String name, CorpusOptions options, IndexFile index, int inMemory) {
        this.name = name;
        this.options = options;
        this.index = index;
        this.inMemory = inMemory;
    }

    /** Returns whether {@code maxChars} characters have been read. */
    boolean isFull() {
        return options.maxChars() > 0 && length == options.maxChars();
    }

    /** Throws if {@code more} bytes of a file, with the files before it, exceed {@code maxBytes}. */
    void requireWithinLimit(long more, String source) throws LibrettoException {
        if (bytes + more > options.maxBytes()) {
            throw new LibrettoException(source + (bytes == 0 ? "" : " with the files before it")
                    + " unpacks to more than " + options.maxBytes() + " bytes; if it is text, raise max-bytes");
        }
    }

    /** @param chunkRead called every few thousand characters */
    void read(InputStream input, String source, Runnable chunkRead) throws IOException {
        CodePointReader reader = new CodePointReader(input, options, source);
        DocumentReader documents = new DocumentReader(reader, options.documents());
        int count;
        do {
            long wanted = options.maxChars() == 0 ? chunk.length : options.maxChars() - length;
            count = documents.read(chunk, (int) Math.min(chunk.length, wanted));
            requireWithinLimit(reader.bytesRead(), source);
            add(count);
            chunkRead.run();
        } while (count > 0);
        bytes += reader.bytesRead();
        malformed += reader.malformed();
    }

    private void add(int count) throws IOException {
        if (!options.keepNewlines()) {
            for (int i = 0; i < count; i++) {
                chunk[i] = chunk[i] == '\n' ? ' ' : chunk[i];
            }
        }
        hash.update(chunk, count);
        for (int i = 0; i < count; i++) {
            chunk[i] = alphabet.add(chunk[i]);
        }
        if (writer == null && length + count > inMemory) {
            spill();
        }
        if (writer == null) {
            if (length + count > memory.length) {
                memory = Arrays.copyOf(memory, (int) Math.min(2L * memory.length, inMemory));
            }
            System.arraycopy(chunk, 0, memory, (int) length, count);
        } else {
            writer.add(chunk, count);
        }
        length += count;
    }

    private void spill() throws IOException {
        if (index == null) {
            throw new LibrettoException(
                    name + " has more than " + inMemory + " characters, too many to read into memory");
        }
        writer = new IndexWriter(index);
        writer.add(memory, (int) length);
        memory = null;
    }

    long bytesRead() {
        return bytes;
    }

    boolean isIndexed() {
        return writer != null;
    }

    /** Returns the text; throws if it is empty. */
    Corpus finish() throws IOException {
        if (length == 0) {
            throw new LibrettoException(name + " is empty; a corpus needs text");
        }
        if (options.documents() != Documents.NONE && !isFull()) {
            chunk[0] = Vocabulary.END;
            add(1);
        }
        if (writer != null) {
            return writer.finish(alphabet, hash.hex(), malformed);
        }
        return new Corpus(name, alphabet, Ids.of(Arrays.copyOf(memory, (int) length)), hash.hex(), malformed);
    }

    @Override
    public void close() throws IOException {
        if (writer != null) {
            writer.close();
        }
    }
}
