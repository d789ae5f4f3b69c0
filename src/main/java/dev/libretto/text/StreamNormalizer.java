package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.nio.CharBuffer;

/** Normalizes a text piece by piece, to the same characters as all at once. */
final class StreamNormalizer {
    /** Far more combining characters in a row than any language has; sorting them takes quadratic time. */
    private static final int MAX_PENDING = 1 << 16;

    private final Normalization form;
    private final String source;
    /** What may still combine with the next piece. */
    private final StringBuilder pending = new StringBuilder();

    /** @param source the name of the text, for messages */
    StreamNormalizer(Normalization form, String source) {
        this.form = form;
        this.source = source;
    }

    /** Adds a piece and returns the characters that are final; may be empty. */
    CharBuffer add(CharBuffer piece, boolean isLast) throws LibrettoException {
        if (form == Normalization.NONE) {
            return piece;
        }
        pending.append(piece);
        int end = isLast ? pending.length() : lastBoundary();
        if (pending.length() - end > MAX_PENDING) {
            throw new LibrettoException(
                    source + " has more than " + MAX_PENDING
                            + " combining characters in a row, so it is not text; remove them, or read it without normalization");
        }
        String text = form.apply(pending.substring(0, end));
        pending.delete(0, end);
        return CharBuffer.wrap(text);
    }

    private int lastBoundary() {
        int position = pending.length();
        while (position > 0) {
            int codePoint = pending.codePointBefore(position);
            position -= Character.charCount(codePoint);
            if (form.isBoundary(codePoint)) {
                break;
            }
        }
        return position;
    }
}
