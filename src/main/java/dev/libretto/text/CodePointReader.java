package dev.libretto.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/** Decodes a stream of bytes to Unicode code points, strictly: a byte that is not of the encoding is an error. */
final class CodePointReader {
    private static final int BYTE_ORDER_MARK = 0xFEFF;
    /** What Java reads instead of bytes that it cannot decode. */
    private static final int REPLACEMENT = 0xFFFD;

    private final InputStream input;
    private final CharsetDecoder decoder;
    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).flip();
    private final CharBuffer chars = CharBuffer.allocate(1 << 16).flip();
    private final String source;
    private final long maxBytes;
    /** Bytes of the text that came before this stream. */
    private final long bytesOfOthers;
    /** Bytes of the stream that came before the first one now in {@link #bytes}. */
    private long bytesBefore;

    /** The number of the line that is read. */
    private long line = 1;

    private boolean atStart = true;
    private boolean atEnd;

    /**
     * @param source where the stream comes from, for messages
     * @param bytesOfOthers how many bytes the text had before this stream, all together
     */
    CodePointReader(InputStream input, CorpusOptions options, String source, long bytesOfOthers) {
        this.input = input;
        this.source = source;
        this.maxBytes = options.maxBytes();
        this.bytesOfOthers = bytesOfOthers;
        this.decoder = options.encoding()
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
    }

    /**
     * Reads code points into the start of an array.
     *
     * @param limit how many at most
     * @return how many; fewer than {@code limit} only at the end of the stream
     * @throws CorpusException if the bytes are not of the encoding; the message says at which offset
     */
    int read(int[] codePoints, int limit) throws IOException {
        int count = 0;
        while (count < limit) {
            int codePoint = next();
            if (codePoint < 0) {
                break;
            }
            codePoints[count++] = codePoint;
        }
        return count;
    }

    /** How many bytes were taken from the stream and those before it. */
    long bytes() {
        return bytesOfOthers + bytesBefore + bytes.limit();
    }

    /**
     * The next code point, or -1 at the end. A byte order mark at the start is passed over.
     */
    private int next() throws IOException {
        int codePoint = nextCodePoint();
        if (atStart) {
            atStart = false;
            if (codePoint == BYTE_ORDER_MARK) {
                return nextCodePoint();
            }
        }
        return codePoint;
    }

    private int nextCodePoint() throws IOException {
        if (!chars.hasRemaining() && !fill()) {
            return -1;
        }
        char first = chars.get();
        line += first == '\n' ? 1 : 0;
        if (!Character.isSurrogate(first)) {
            return first;
        }
        // Some decoders, such as that of UTF-32, let halves through.
        if (Character.isLowSurrogate(first) || !(chars.hasRemaining() || fill())) {
            throw halfCharacter(first);
        }
        char second = chars.get();
        if (!Character.isLowSurrogate(second)) {
            throw halfCharacter(first);
        }
        return Character.toCodePoint(first, second);
    }

    private CorpusException halfCharacter(char surrogate) {
        return new CorpusException(String.format(
                Locale.ROOT,
                "%s is not %s: it has U+%04X, which is half of a character; name the file's encoding with --encoding",
                source,
                decoder.charset(),
                (int) surrogate));
    }

    /** Decodes until at least one char is there; false at the end of the text. */
    private boolean fill() throws IOException {
        chars.clear();
        while (chars.position() == 0 && !atEnd) {
            if (!readBytes()) {
                atEnd = decode(true) && decoder.flush(chars).isUnderflow();
            } else {
                decode(false);
            }
        }
        chars.flip();
        return chars.hasRemaining();
    }

    private boolean readBytes() throws IOException {
        bytesBefore += bytes.position();
        bytes.compact();
        int read;
        try {
            read = input.read(bytes.array(), bytes.position(), bytes.remaining());
        } catch (java.util.zip.ZipException | java.io.EOFException e) {
            throw TextFile.damaged(source, e);
        }
        bytes.position(bytes.position() + Math.max(read, 0)).flip();
        requireAtMost(maxBytes, bytesOfOthers, bytesBefore + bytes.limit(), source);
        return read >= 0;
    }

    /**
     * Checks how large a text is.
     *
     * @param bytesOfOthers how many bytes its files before this one have
     * @param bytes how many this one has, as far as is known
     * @throws CorpusException if these are more than they may be
     */
    static void requireAtMost(long maxBytes, long bytesOfOthers, long bytes, String source) throws CorpusException {
        if (bytesOfOthers + bytes > maxBytes) {
            throw new CorpusException(source + (bytesOfOthers == 0 ? "" : " with the files before it")
                    + " unpacks to more than " + maxBytes + " bytes; --max-bytes sets that limit");
        }
    }

    /** False where an error lies ahead, after chars that were decoded before it. */
    private boolean decode(boolean endOfInput) throws CorpusException {
        CoderResult result = decoder.decode(bytes, chars, endOfInput);
        // What was decoded before comes first; the error is met again when that is used up.
        if (result.isError() && chars.position() == 0) {
            throw new CorpusException(String.format(
                    Locale.ROOT,
                    "%s is not %s: in line %d, the byte 0x%02x at offset %d cannot be decoded; %s",
                    source,
                    decoder.charset(),
                    line,
                    bytes.get(bytes.position()),
                    bytesBefore + bytes.position(),
                    advice()));
        }
        return !result.isError();
    }

    /** What to do about a byte that cannot be decoded, judged by the bytes around it. */
    private String advice() {
        if (!decoder.charset().equals(StandardCharsets.UTF_8)) {
            return "name the file's encoding with --encoding, e.g. --encoding UTF-8";
        }
        // From a multiple of four bytes on, so that every byte has its place in a wide character.
        int aligned = (int) Math.min(bytes.limit(), -bytesBefore & 3);
        byte[] around = Arrays.copyOfRange(bytes.array(), aligned, bytes.limit());
        String wide = FileFormat.byZeros(around, 1 + around.length / 256);
        if (wide != null) {
            return "it seems to be " + wide + " without a byte order mark; add --encoding " + wide;
        }
        String text = new String(around, StandardCharsets.UTF_8);
        long wrong = text.codePoints().filter(c -> c == REPLACEMENT).count();
        long right = text.codePoints().filter(c -> c > 0x7f && c != REPLACEMENT).count();
        if (right > 10 * wrong) {
            return "the text around it is UTF-8, so correct that byte, or delete all such bytes with iconv -c -f UTF-8 -t UTF-8";
        }
        return "name the file's encoding with --encoding, e.g. --encoding GB18030"
                + (wrong == 1 ? ", or correct that byte" : "");
    }
}
