package dev.libretto.text;

import dev.libretto.LibrettoException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** Detects by its first bytes that a file is not text, or is text in another encoding. */
final class FileFormat {
    /** The size of a tar header, the longest one that is checked. */
    static final int HEAD_BYTES = 512;

    private static final String UNPACK = "unpack it first, e.g. with ";
    private static final String NAME_TEXT = "name a text file";
    private static final String EXPORT = "export its text first";
    private static final String CONVERT = "save it as plain text first";

    /** The higher byte of UTF-16 is zero at least this many times as often as the lower. */
    private static final int ZERO_RATIO = 8;

    /** @param start a regular expression that matches the first bytes, decoded as Latin-1 */
    private record Format(String start, String name, String advice) {}

    private static final List<Format> FORMATS = List.of(
            new Format("\\x04\\x22\\x4d\\x18", "lz4", UNPACK + "unlz4"),
            new Format("\\x1f\\x9d", "compress (.Z)", UNPACK + "uncompress"),
            new Format("7z\\xbc\\xaf\\x27\\x1c", "a 7z archive", UNPACK + "7z x"),
            new Format("Rar!\\x1a\\x07", "a RAR archive", UNPACK + "unrar x"),
            new Format("%PDF-[0-9]", "a PDF", "convert it to text first, e.g. with pdftotext"),
            new Format("\\{\\\\rtf", "an RTF document", CONVERT),
            new Format("AT&TFORM", "a DjVu document", "convert it to text first, e.g. with djvutxt"),
            new Format("\\xd0\\xcf\\x11\\xe0\\xa1\\xb1\\x1a\\xe1", "an old Microsoft Office document", CONVERT),
            new Format("\\x89PNG\\r\\n\\x1a\\n", "a PNG picture", NAME_TEXT),
            new Format("\\xff\\xd8\\xff", "a JPEG picture", NAME_TEXT),
            new Format("GIF8[79]a", "a GIF picture", NAME_TEXT),
            new Format("RIFF.{4}WEBP", "a WebP picture", NAME_TEXT),
            new Format("II\\*\\x00|MM\\x00\\*", "a TIFF picture", NAME_TEXT),
            new Format("BM.{4}\\x00{4}", "a BMP picture", NAME_TEXT),
            new Format("\\x00\\x00\\x00.ftyp(hei[cx]|mif1|avif)", "a HEIC or AVIF picture", NAME_TEXT),
            new Format("RIFF.{4}WAVE", "a WAV recording", NAME_TEXT),
            new Format("ID3[\\x02-\\x04]\\x00", "an MP3 recording", NAME_TEXT),
            new Format("OggS\\x00", "an Ogg recording", NAME_TEXT),
            new Format("fLaC\\x00", "a FLAC recording", NAME_TEXT),
            new Format("\\x00\\x00\\x00.ftyp", "a video", NAME_TEXT),
            new Format("\\x7fELF", "a program", NAME_TEXT),
            new Format("SQLite format 3\\x00", "an SQLite database", EXPORT),
            new Format("PAR1[\\x00-\\x1f]", "a Parquet file", EXPORT),
            new Format("\\x89HDF\\r\\n\\x1a\\n", "an HDF5 file", NAME_TEXT),
            new Format("\\x93NUMPY", "a NumPy array", NAME_TEXT));

    private FileFormat() {}

    /** @param head the first {@link #HEAD_BYTES}, or fewer for a short file */
    static void requireText(byte[] head, String source, Charset encoding) throws LibrettoException {
        PackedFormat packed = PackedFormat.of(head);
        if (packed != null) {
            throw notText(source, packed.title(), "unpack it first");
        }
        String start = new String(head, StandardCharsets.ISO_8859_1);
        for (Format format : FORMATS) {
            if (start.matches("(?s)(?:" + format.start() + ").*")) {
                throw notText(source, format.name(), format.advice());
            }
        }
        String actual = isWide(encoding) ? null : wideEncoding(head);
        if (actual != null) {
            throw new LibrettoException(
                    source + " is in " + actual + ", not " + encoding + "; name " + actual + " as its encoding");
        }
    }

    static LibrettoException notText(String source, String name, String advice) {
        return new LibrettoException(source + " is " + name + ", not text; " + advice);
    }

    /** Returns whether an encoding has code units of two or four bytes, so that zero bytes are normal. */
    private static boolean isWide(Charset encoding) {
        return encoding.name().toUpperCase(Locale.ROOT).matches("(X-)?UTF-(16|32).*");
    }

    /** Returns the encoding shown by a byte order mark or the positions of zero bytes, or null. */
    private static String wideEncoding(byte[] head) {
        String start = new String(head, StandardCharsets.ISO_8859_1);
        if (start.startsWith("\u00ff\u00fe\0\0") || start.startsWith("\0\0\u00fe\u00ff")) {
            return "UTF-32";
        }
        if (start.startsWith("\u00ff\u00fe") || start.startsWith("\u00fe\u00ff")) {
            return "UTF-16";
        }
        return encodingFromZeros(head, Math.max(2, head.length / 8));
    }

    /**
     * Returns the UTF-16 or UTF-32 encoding shown by the positions of zero bytes, or null.
     *
     * @param least the fewest zeros accepted as UTF-16
     */
    static String encodingFromZeros(byte[] bytes, int least) {
        int[] zeros = new int[4];
        for (int i = 0; i < bytes.length; i++) {
            zeros[i % 4] += bytes[i] == 0 ? 1 : 0;
        }
        // UTF-32: the highest byte is always zero, the next one mostly, the lowest only in NUL.
        int characters = bytes.length / 4;
        if (characters > 1 && zeros[3] == characters && zeros[2] > 0 && zeros[0] == 0) {
            return "UTF-32LE";
        }
        if (characters > 1 && zeros[0] >= characters && zeros[1] > 0 && zeros[3] == 0) {
            return "UTF-32BE";
        }
        // UTF-16: the higher byte of Latin letters, spaces and newlines is zero; the lower one seldom is (U+4E00).
        int even = zeros[0] + zeros[2];
        int odd = zeros[1] + zeros[3];
        if (odd >= Math.max(least, ZERO_RATIO * even)) {
            return "UTF-16LE";
        }
        return even >= Math.max(least, ZERO_RATIO * odd) ? "UTF-16BE" : null;
    }
}
