package dev.libretto.text;

import dev.libretto.LibrettoException;
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

/** Decodes a stream of bytes to Unicode code points, normalized, with each line end (CR, LF or CR LF) as one newline. */
final class CodePointReader {
    private static final int BYTE_ORDER_MARK = 0xFEFF;
    /** U+FFFD, which Java substitutes for malformed bytes. */
    private static final int REPLACEMENT = 0xFFFD;

    private final InputStream input;
    private final CharsetDecoder decoder;
    private final BadBytes badBytes;
    private final StreamNormalizer normalizer;
    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).flip();
    private final CharBuffer decoded = CharBuffer.allocate(1 << 16);
    private final String source;
    private CharBuffer chars = CharBuffer.allocate(0);
    /** The offset in the stream of the first byte of {@link #bytes}. */
    private long bufferOffset;

    private long line = 1;
    private boolean afterReturn;
    /** The number of byte sequences replaced or skipped. */
    private long malformed;

    /** Where decoding stopped; an error is dealt with once the chars before it are used. */
    private CoderResult result = CoderResult.UNDERFLOW;

    private boolean atStart = true;
    private boolean inputEnded;
    private boolean atEnd;

    CodePointReader(InputStream input, CorpusOptions options, String source) {
        this.input = input;
        this.source = source;
        this.badBytes = options.badBytes();
        this.normalizer = new StreamNormalizer(options.normalization(), source);
        this.decoder = options.encoding()
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
    }

    /**
     * Reads at most {@code limit} code points and returns their number, which is smaller only at the end of the stream.
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

    long bytesRead() {
        return bufferOffset + bytes.limit();
    }

    /** Returns the number of byte sequences that were replaced or skipped so far. */
    long malformed() {
        return malformed;
    }

    /** Returns the next code point, or -1 at the end. */
    int next() throws IOException {
        while (chars.hasRemaining() || fill()) {
            char first = chars.get();
            boolean endsReturn = afterReturn && first == '\n';
            afterReturn = first == '\r';
            if (afterReturn || first == '\n' && !endsReturn) {
                line++;
                return '\n';
            }
            int codePoint = Character.isSurrogate(first) ? withSecond(first) : first;
            if (!endsReturn && codePoint >= 0) {
                return codePoint;
            }
        }
        return -1;
    }

    /** Returns the code point of a surrogate and the one after it; -1 to skip it, as some decoders let unpaired ones through. */
    private int withSecond(char first) throws IOException {
        if (Character.isHighSurrogate(first) && (chars.hasRemaining() || fill())) {
            char second = chars.get(chars.position());
            if (Character.isLowSurrogate(second)) {
                chars.get();
                return Character.toCodePoint(first, second);
            }
        }
        if (badBytes == BadBytes.ERROR) {
            throw unpairedSurrogate(first);
        }
        malformed++;
        return badBytes == BadBytes.REPLACE ? REPLACEMENT : -1;
    }

    private LibrettoException unpairedSurrogate(char surrogate) {
        return new LibrettoException(String.format(
                Locale.ROOT,
                "%s is not %s: it has U+%04X, an unpaired surrogate; name the file's encoding",
                source,
                decoder.charset(),
                (int) surrogate));
    }

    /** Decodes and normalizes at least one char, skipping a byte order mark at the start; returns false at the end of the text. */
    private boolean fill() throws IOException {
        while (!chars.hasRemaining() && !atEnd) {
            decoded.clear();
            do {
                decode();
            } while (decoded.position() == 0 && !isLastPiece());
            decoded.flip();
            if (atStart && decoded.hasRemaining()) {
                atStart = false;
                decoded.position(decoded.get(0) == BYTE_ORDER_MARK ? 1 : 0);
            }
            chars = normalizer.add(decoded, isLastPiece());
        }
        return chars.hasRemaining();
    }

    /** Nothing follows a bad byte that is an error, so the line ends before it are counted. */
    private boolean isLastPiece() {
        return atEnd || result.isError() && badBytes == BadBytes.ERROR;
    }

    private boolean readBytes() throws IOException {
        bufferOffset += bytes.position();
        bytes.compact();
        int read = input.read(bytes.array(), bytes.position(), bytes.remaining());
        bytes.position(bytes.position() + Math.max(read, 0)).flip();
        return read >= 0;
    }

    private void decode() throws IOException {
        if (!result.isError()) {
            inputEnded = !readBytes();
        } else if (badBytes == BadBytes.ERROR) {
            throw new LibrettoException(String.format(
                    Locale.ROOT,
                    "%s is not %s: in line %d, the byte 0x%02x at offset %d cannot be decoded; %s",
                    source,
                    decoder.charset(),
                    line,
                    bytes.get(bytes.position()),
                    bufferOffset + bytes.position(),
                    advice()));
        } else {
            malformed++;
            bytes.position(bytes.position() + result.length());
            if (badBytes == BadBytes.REPLACE) {
                decoded.put((char) REPLACEMENT);
            }
        }
        result = decoder.decode(bytes, decoded, inputEnded);
        atEnd = inputEnded && result.isUnderflow() && decoder.flush(decoded).isUnderflow();
    }

    /** Suggests a fix for an undecodable byte, judging by the bytes around it. */
    private String advice() {
        if (!decoder.charset().equals(StandardCharsets.UTF_8)) {
            return "name the file's encoding, e.g. UTF-8";
        }
        // Start at a multiple of four bytes, so that wide characters are aligned.
        int aligned = (int) Math.min(bytes.limit(), -bufferOffset & 3);
        byte[] around = Arrays.copyOfRange(bytes.array(), aligned, bytes.limit());
        String wide = FileFormat.encodingFromZeros(around, 1 + around.length / 256);
        if (wide != null) {
            return "it seems to be " + wide + " without a byte order mark; name that encoding";
        }
        String text = new String(bytes.array(), 0, bytes.limit(), StandardCharsets.UTF_8);
        long wrong = text.codePoints().filter(c -> c == REPLACEMENT).count();
        long right = text.codePoints().filter(c -> c > 0x7f && c != REPLACEMENT).count();
        if (right > 10 * wrong) {
            return "the text around it is UTF-8, so correct that byte, or set bad-bytes to replace or skip";
        }
        long ascii = text.codePoints().filter(c -> c <= 0x7f).count();
        return "name the file's encoding, e.g. " + (ascii > 10 * wrong ? "ISO-8859-1" : "GB18030")
                + (wrong == 1 ? ", or correct that byte" : "");
    }
}
