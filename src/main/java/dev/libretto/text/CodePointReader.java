package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.ZipException;

/** Decodes a stream of bytes to Unicode code points; malformed input is an error. */
final class CodePointReader {
    private static final int BYTE_ORDER_MARK = 0xFEFF;
    /** U+FFFD, which Java substitutes for malformed bytes. */
    private static final int REPLACEMENT = 0xFFFD;

    private final InputStream input;
    private final CharsetDecoder decoder;
    private final ByteBuffer bytes = ByteBuffer.allocate(1 << 16).flip();
    private final CharBuffer chars = CharBuffer.allocate(1 << 16).flip();
    private final String source;
    /** The offset in the stream of the first byte of {@link #bytes}. */
    private long bufferOffset;

    private long line = 1;

    private boolean atStart = true;
    private boolean atEnd;

    CodePointReader(InputStream input, Charset encoding, String source) {
        this.input = input;
        this.source = source;
        this.decoder = encoding.newDecoder()
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

    /** Returns the next code point, or -1 at the end. */
    int next() throws IOException {
        if (!chars.hasRemaining() && !fill()) {
            return -1;
        }
        char first = chars.get();
        line += first == '\n' ? 1 : 0;
        if (!Character.isSurrogate(first)) {
            return first;
        }
        // Some decoders, such as UTF-32's, let unpaired surrogates through.
        if (Character.isLowSurrogate(first) || !(chars.hasRemaining() || fill())) {
            throw unpairedSurrogate(first);
        }
        char second = chars.get();
        if (!Character.isLowSurrogate(second)) {
            throw unpairedSurrogate(first);
        }
        return Character.toCodePoint(first, second);
    }

    private LibrettoException unpairedSurrogate(char surrogate) {
        return new LibrettoException(String.format(
                Locale.ROOT,
                "%s is not %s: it has U+%04X, an unpaired surrogate; name the file's encoding",
                source,
                decoder.charset(),
                (int) surrogate));
    }

    /** Decodes at least one char, skipping a byte order mark at the start; returns false at the end of the text. */
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
        if (atStart && chars.hasRemaining()) {
            atStart = false;
            if (chars.get(0) == BYTE_ORDER_MARK) {
                chars.get();
                return chars.hasRemaining() || fill();
            }
        }
        return chars.hasRemaining();
    }

    private boolean readBytes() throws IOException {
        bufferOffset += bytes.position();
        bytes.compact();
        int read;
        try {
            read = input.read(bytes.array(), bytes.position(), bytes.remaining());
        } catch (ZipException | EOFException e) {
            throw TextFile.damaged(source, e);
        }
        bytes.position(bytes.position() + Math.max(read, 0)).flip();
        return read >= 0;
    }

    /** Returns false if an error follows chars that have been decoded. */
    private boolean decode(boolean endOfInput) throws LibrettoException {
        CoderResult result = decoder.decode(bytes, chars, endOfInput);
        // Chars decoded before the error are returned first; the next call meets it again.
        if (result.isError() && chars.position() == 0) {
            throw new LibrettoException(String.format(
                    Locale.ROOT,
                    "%s is not %s: in line %d, the byte 0x%02x at offset %d cannot be decoded; %s",
                    source,
                    decoder.charset(),
                    line,
                    bytes.get(bytes.position()),
                    bufferOffset + bytes.position(),
                    advice()));
        }
        return !result.isError();
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
            return "the text around it is UTF-8, so correct that byte, or delete all such bytes with iconv -c -f UTF-8 -t UTF-8";
        }
        long ascii = text.codePoints().filter(c -> c <= 0x7f).count();
        return "name the file's encoding, e.g. " + (ascii > 10 * wrong ? "ISO-8859-1" : "GB18030")
                + (wrong == 1 ? ", or correct that byte" : "");
    }
}
