package dev.libretto.text;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** Tells by its first bytes that a file is not text, or is text in another encoding. */
final class FileFormat {
    /** How many first bytes are looked at: the header of a tar archive. */
    static final int HEAD_BYTES = 512;

    private static final String UNPACK = "unpack it first, e.g. with ";
    private static final String ANOTHER = "name a text file";
    private static final String EXPORT = "export its text first";
    private static final String CONVERT = "save it as plain text first";

    /** How many times as many zeros tell the higher byte from the lower. */
    private static final int MANY = 8;

    /** Where the checksum stands in the header of a tar archive. */
    private static final int TAR_CHECKSUM = 148;

    private static final int TAR_CHECKSUM_BYTES = 8;

    /**
     * A format that is known by its first bytes.
     *
     * @param start matches them, each byte as the character of its number
     */
    private record Format(Pattern start, String name, String advice) {
        Format(String start, String name, String advice) {
            this(Pattern.compile(start, Pattern.DOTALL), name, advice);
        }
    }

    private static final List<Format> FORMATS = List.of(
            new Format("\\x1f\\x8b", "gzip", UNPACK + "gunzip"),
            new Format("PK\\x03\\x04", "a zip archive", UNPACK + "unzip"),
            new Format("BZh[1-9]1AY&SY", "bzip2", UNPACK + "bunzip2"),
            new Format("\\xfd7zXZ\\x00", "xz", UNPACK + "unxz"),
            new Format("\\x28\\xb5\\x2f\\xfd", "zstd", UNPACK + "unzstd"),
            new Format("\\x04\\x22\\x4d\\x18", "lz4", UNPACK + "unlz4"),
            new Format("\\x1f\\x9d", "compress (.Z)", UNPACK + "uncompress"),
            new Format("7z\\xbc\\xaf\\x27\\x1c", "a 7z archive", UNPACK + "7z x"),
            new Format("Rar!\\x1a\\x07", "a RAR archive", UNPACK + "unrar x"),
            new Format("%PDF-[0-9]", "a PDF", "convert it to text first, e.g. with pdftotext"),
            new Format("\\xd0\\xcf\\x11\\xe0\\xa1\\xb1\\x1a\\xe1", "a document of an old Microsoft Office", CONVERT),
            new Format("\\x89PNG\\r\\n\\x1a\\n", "a PNG picture", ANOTHER),
            new Format("\\xff\\xd8\\xff", "a JPEG picture", ANOTHER),
            new Format("GIF8[79]a", "a GIF picture", ANOTHER),
            new Format("RIFF.{4}WEBP", "a WebP picture", ANOTHER),
            new Format("II\\*\\x00|MM\\x00\\*", "a TIFF picture", ANOTHER),
            new Format("RIFF.{4}WAVE", "a WAV recording", ANOTHER),
            new Format("ID3[\\x02-\\x04]\\x00", "an MP3 recording", ANOTHER),
            new Format("OggS\\x00", "an Ogg recording", ANOTHER),
            new Format("fLaC\\x00", "a FLAC recording", ANOTHER),
            new Format("\\x00\\x00\\x00.ftyp", "a video", ANOTHER),
            new Format("\\x7fELF", "a program", ANOTHER),
            new Format("SQLite format 3\\x00", "an SQLite database", EXPORT),
            new Format("PAR1[\\x00-\\x1f]", "a Parquet file", EXPORT),
            new Format("\\x89HDF\\r\\n\\x1a\\n", "an HDF5 file", ANOTHER),
            new Format("\\x93NUMPY", "a NumPy array", ANOTHER));

    private FileFormat() {}

    /**
     * Throws if bytes are not the beginning of a text in some encoding.
     *
     * @param head the first {@link #HEAD_BYTES}, or all if there are fewer
     * @param source where they come from, for messages
     */
    static void requireText(byte[] head, String source, Charset encoding) throws CorpusException {
        String start = new String(head, StandardCharsets.ISO_8859_1);
        for (Format format : FORMATS) {
            if (format.start().matcher(start).lookingAt()) {
                throw notText(source, format.name(), format.advice());
            }
        }
        if (isTar(head)) {
            throw notText(source, "a tar archive", "unpack it with tar -xf and name the text files in it");
        }
        String actual = isWide(encoding) ? null : wideEncoding(head);
        if (actual != null) {
            throw new CorpusException(source + " is in " + actual + ", not " + encoding + "; add --encoding " + actual);
        }
    }

    /** What to say of a file that is not text. */
    static CorpusException notText(String source, String name, String advice) {
        return new CorpusException(source + " is " + name + ", not text; " + advice);
    }

    /** Whether the sum of a tar archive's first header is the one that stands in it, which spaces take the place of. */
    private static boolean isTar(byte[] head) {
        if (head.length < HEAD_BYTES) {
            return false;
        }
        String stored = new String(head, TAR_CHECKSUM, TAR_CHECKSUM_BYTES, StandardCharsets.ISO_8859_1)
                .replaceAll("[ \\x00]", "");
        int sum = TAR_CHECKSUM_BYTES * ' ';
        for (int i = 0; i < HEAD_BYTES; i++) {
            sum += i < TAR_CHECKSUM || i >= TAR_CHECKSUM + TAR_CHECKSUM_BYTES ? head[i] & 0xff : 0;
        }
        return stored.matches("[0-7]{1,7}") && Integer.parseInt(stored, 8) == sum;
    }

    /** Whether every character of an encoding takes two or four bytes, so that zeros among them are fine. */
    private static boolean isWide(Charset encoding) {
        return encoding.name().toUpperCase(Locale.ROOT).matches("(X-)?UTF-(16|32).*");
    }

    /** The encoding that a byte order mark or the places of zeros tell. */
    private static String wideEncoding(byte[] head) {
        String start = new String(head, StandardCharsets.ISO_8859_1);
        if (start.startsWith("\u00ff\u00fe\0\0") || start.startsWith("\0\0\u00fe\u00ff")) {
            return "UTF-32";
        }
        if (start.startsWith("\u00ff\u00fe") || start.startsWith("\u00fe\u00ff")) {
            return "UTF-16";
        }
        return byZeros(head, Math.max(2, head.length / 8));
    }

    /**
     * The encoding of two or four bytes that the places of zeros tell; null if they tell none.
     *
     * @param least how many zeros there are at least in UTF-16
     */
    static String byZeros(byte[] bytes, int least) {
        int[] zeros = new int[4];
        for (int i = 0; i < bytes.length; i++) {
            zeros[i % 4] += bytes[i] == 0 ? 1 : 0;
        }
        // Of four bytes, the highest is always zero, the next one mostly, the lowest never but for NUL.
        int characters = bytes.length / 4;
        if (characters > 1 && zeros[3] == characters && zeros[2] > 0 && zeros[0] == 0) {
            return "UTF-32LE";
        }
        if (characters > 1 && zeros[0] >= characters && zeros[1] > 0 && zeros[3] == 0) {
            return "UTF-32BE";
        }
        // Of two bytes, the higher one of a Latin letter, space or newline is zero; the lower one seldom is, as in
        // U+4E00.
        int even = zeros[0] + zeros[2];
        int odd = zeros[1] + zeros[3];
        if (odd >= Math.max(least, MANY * even)) {
            return "UTF-16LE";
        }
        return even >= Math.max(least, MANY * odd) ? "UTF-16BE" : null;
    }
}
