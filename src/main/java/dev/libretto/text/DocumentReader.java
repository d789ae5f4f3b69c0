package dev.libretto.text;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Reads a file as documents, with {@link Vocabulary#END} before each. Skips blank lines around a document and the line end after
 * it. A document ends at the end of the file at the latest.
 */
final class DocumentReader {
    private final CodePointReader input;
    private final Documents documents;
    private final Deque<Integer> ready = new ArrayDeque<>();
    /** Line ends and blanks that are part of the document only if it continues after them. */
    private final Deque<Integer> held = new ArrayDeque<>();

    private boolean isBetween = true;
    /** Line ends in a row, with nothing but blanks between. */
    private int lineEnds;

    DocumentReader(CodePointReader input, Documents documents) {
        this.input = input;
        this.documents = documents;
    }

    /** Reads like {@link CodePointReader#read}. */
    int read(int[] codePoints, int limit) throws IOException {
        if (documents == Documents.NONE) {
            return input.read(codePoints, limit);
        }
        int count = 0;
        while (count < limit && fill()) {
            codePoints[count++] = ready.remove();
        }
        return count;
    }

    /** Returns whether a character is ready; false at the end of the file. */
    private boolean fill() throws IOException {
        while (ready.isEmpty()) {
            int codePoint = input.next();
            if (codePoint < 0) {
                return false;
            }
            add(codePoint);
        }
        return true;
    }

    private void add(int codePoint) {
        if (codePoint == '\n') {
            lineEnds++;
            held.add(codePoint);
            isBetween |= lineEnds >= documents.lineEnds();
            if (isBetween) {
                held.clear();
            }
        } else if ((isBetween || lineEnds > 0) && Character.isWhitespace(codePoint)) {
            held.add(codePoint);
        } else {
            if (isBetween) {
                ready.add(Vocabulary.END);
            }
            ready.addAll(held);
            ready.add(codePoint);
            held.clear();
            isBetween = false;
            lineEnds = 0;
        }
    }
}
