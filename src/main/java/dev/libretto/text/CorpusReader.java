package dev.libretto.text;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads texts. One of up to {@value #IN_MEMORY} characters is read into memory. A longer one gets an index file, which the
 * operating system maps into memory, so that the heap does not grow with the text; the file is used again for as long as
 * the text's files have the same sizes and times, and made anew where it is damaged.
 */
public final class CorpusReader {
    /** How many characters are held in memory: 4 Mi, in 16 MiB. */
    public static final int IN_MEMORY = 1 << 22;

    private final Path indexFolder;
    private final ReadingListener listener;
    private final int inMemory;

    /** @param indexFolder where index files are kept; it is made when the first one is */
    public CorpusReader(Path indexFolder, ReadingListener listener) {
        this(indexFolder, listener, IN_MEMORY);
    }

    /** One that reads any text into memory. */
    CorpusReader() {
        this(null, ReadingListener.NONE, Integer.MAX_VALUE - 8);
    }

    CorpusReader(Path indexFolder, ReadingListener listener, int inMemory) {
        this.indexFolder = indexFolder;
        this.listener = listener;
        this.inMemory = inMemory;
    }

    /**
     * Reads a text.
     *
     * @throws CorpusException if a file is missing, a damaged or unfitting archive, or not in the given encoding, if there
     *     is no character in all of them, or if the index file cannot be written
     */
    public Corpus read(CorpusFiles files, CorpusOptions options) throws IOException {
        IndexFile index = indexFolder == null ? null : IndexFile.of(indexFolder, files, options);
        Optional<Corpus> indexed = index == null ? Optional.empty() : index.open();
        if (indexed.isPresent()) {
            return indexed.get().withSource(files.named(), options);
        }
        try (CorpusPass pass = new CorpusPass(files.name(), options, index, inMemory)) {
            long total = 0;
            for (Path file : files.files()) {
                total += TextFile.size(file);
            }
            long before = 0;
            long position = 0;
            for (Path file : files.files()) {
                if (pass.isFull()) {
                    break;
                }
                try (TextFile text = TextFile.open(file, options)) {
                    pass.requireRoom(text.leastBytes(), file.toString());
                    long read = before;
                    long of = total;
                    pass.read(text.input(), file.toString(), () -> listener.read(read + text.position(), of));
                    position = before + text.position();
                }
                before += TextFile.size(file);
            }
            Corpus corpus = pass.end().withSource(files.named(), options);
            if (index != null && pass.isIndexed() && index.reusable()) {
                listener.indexed(index.path());
            }
            return pass.isFull()
                    ? corpus.withPart(part(corpus, options.encoding(), pass.bytes(), position, total))
                    : corpus;
        }
    }

    /**
     * About which part of a text was read.
     *
     * @param read bytes of the text that were taken from its files, some of them not used
     * @param position bytes of the files that they were in; fewer where these are packed
     * @param total bytes of the files; 0 where they do not say
     */
    private static double part(Corpus corpus, Charset encoding, long read, long position, long total) {
        double used = corpus.alphabet().bytes(encoding);
        if (total == 0) {
            return used < read ? Double.NaN : 1;
        }
        return Math.min(1, used / ((double) read / position * total));
    }
}
