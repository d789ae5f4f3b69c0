package dev.libretto.text;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Reads texts. One of at most {@value #IN_MEMORY} characters is held in memory; a longer one goes to a memory-mapped index
 * file, so the heap does not grow with the text. An index file is reused while the sizes and times of the text's files
 * stay the same, and rebuilt if damaged.
 */
public final class CorpusReader {
    /** The most characters held in memory: 4 Mi, which take 16 MiB. */
    public static final int IN_MEMORY = 1 << 22;

    public interface Listener {
        Listener NONE = (done, total) -> {};

        /** Called every few thousand characters, with the bytes read of those of the files. */
        void read(long done, long total);

        /** Called when the index file of a text too large for memory is complete. */
        default void indexed(Path index) {}

        /** Called with the name of a file of an archive that is not read. */
        default void skipped(String file) {}
    }

    private final Path indexFolder;
    private final Listener listener;
    private final int inMemory;

    /** @param indexFolder the directory of the index files, created with the first one */
    public CorpusReader(Path indexFolder, Listener listener) {
        this(indexFolder, listener, IN_MEMORY);
    }

    /** Creates a reader that holds any text in memory. */
    CorpusReader() {
        this(null, Listener.NONE, CorpusPass.MAX_IN_MEMORY);
    }

    CorpusReader(Path indexFolder, Listener listener, int inMemory) {
        this.indexFolder = indexFolder;
        this.listener = listener;
        this.inMemory = inMemory;
    }

    public Corpus read(CorpusFiles files, CorpusOptions options) throws IOException {
        IndexFile index = indexFolder == null ? null : IndexFile.of(indexFolder, files, options);
        Optional<Corpus> indexed = index == null ? Optional.empty() : index.open();
        if (indexed.isPresent()) {
            return indexed.get().withSource(files.named(), options, 1);
        }
        try (CorpusPass pass = new CorpusPass(files.name(), options, index, inMemory)) {
            long total = 0;
            for (Path file : files.files()) {
                total += TextFile.size(file);
            }
            long size = total;
            long before = 0;
            long position = 0;
            boolean readsBlocks = false;
            for (Path file : files.files()) {
                if (pass.isFull()) {
                    break;
                }
                try (TextFile texts = TextFile.open(file, options, listener::skipped)) {
                    long start = before;
                    if (options.maxChars() == 0) {
                        pass.requireWithinLimit(texts.leastBytes(), file.toString());
                    }
                    for (TextFile.Text text = texts.next(); text != null; text = pass.isFull() ? null : texts.next()) {
                        pass.read(text.input(), text.name(), () -> listener.read(start + texts.position(), size));
                    }
                    position = start + texts.position();
                    readsBlocks |= texts.readsBlocks();
                }
                before += TextFile.size(file);
            }
            Corpus corpus = pass.finish();
            if (index != null && pass.isIndexed() && index.reusable()) {
                listener.indexed(index.path());
            }
            long known = readsBlocks ? 0 : total;
            double fraction = pass.isFull() ? fractionRead(corpus, options, pass.bytesRead(), position, known) : 1;
            return corpus.withSource(files.named(), options, fraction);
        }
    }

    /**
     * Estimates which fraction of a text was read.
     *
     * @param read bytes unpacked, including buffered ones that were not used
     * @param position bytes of the files that they were unpacked from
     * @param total bytes of the files; 0 if unknown
     */
    private static double fractionRead(Corpus corpus, CorpusOptions options, long read, long position, long total) {
        double used = corpus.alphabet().bytes(options.encoding());
        if (total == 0) {
            return used < read ? Double.NaN : 1;
        }
        return Math.min(1, used / ((double) read / position * total));
    }
}
