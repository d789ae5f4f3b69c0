package dev.libretto.text;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CorpusTest {
    private static final String TEXT = "分开\n不分开\r\n😀 end";

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("text.txt");
    }

    @Test
    void eachLineEndBecomesASpace() throws IOException {
        Files.writeString(file, TEXT);

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("分开 不分开 😀 end");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "分开\n不分开\r\n😀 end|分开|不分开|😀 end",
                "a\n|a",
                "a\n\n|a|",
                "\n\na\rb\r|||a\rb",
                "\n|",
                "\r\n\r\r\n||\r"
            })
    void textHasLines(String row) throws IOException {
        String[] cells = row.split("\\|", -1);
        List<String> lines = new ArrayList<>();
        Corpus.of(cells[0]).lines().forEachRemaining(lines::add);
        assertThat(lines).containsExactly(Arrays.copyOfRange(cells, 1, cells.length));
    }

    @Test
    void keepNewlinesKeepsThem() throws IOException {
        Files.writeString(file, TEXT);

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withKeepNewlines(true))))
                .isEqualTo(TEXT.replace("\r\n", "\n"));
    }

    @Test
    void emojiIsOneCharacter() throws IOException {
        Files.writeString(file, "a😀b");

        assertThat(CodePoints.of(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).containsExactly('a', 0x1F600, 'b');
    }

    @Test
    void maxCharsCountsCodePoints() throws IOException {
        Files.writeString(file, "😀😀😀😀");

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxChars(3))))
                .isEqualTo("😀😀😀");
    }

    @Test
    void maxCharsBeyondEndReadsWholeText() throws IOException {
        Files.writeString(file, "ab");

        assertThat(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxChars(10)).length())
                .isEqualTo(2);
    }

    @Test
    void byteOrderMarkIsSkipped() throws IOException {
        Files.writeString(file, "\uFEFFab\uFEFF");

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("ab\uFEFF");
    }

    @ParameterizedTest
    @ValueSource(strings = {"GB18030", "Big5", "UTF-16", "UTF-16LE", "Shift_JIS", "UTF-8"})
    void readsOtherEncodings(String name) throws IOException {
        Charset encoding = Charset.forName(name);
        String text = "不不不abc";
        Files.write(file, text.getBytes(encoding));

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withEncoding(encoding))))
                .isEqualTo(text);
    }

    /** Pieces that a buffer of 65,536 characters cuts. */
    @ParameterizedTest
    @ValueSource(ints = {0, 65_533, 65_534, 65_535, 65_536})
    void everyLineEndIsOneNewline(int offset) throws IOException {
        String start = "a".repeat(offset);
        Files.writeString(file, start + "1\r\n2\r3\n4\n\r5\r\n\r\n6\u20287\u00858\r");

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withKeepNewlines(true))))
                .isEqualTo(start + "1\n2\n3\n4\n\n5\n\n6\u20287\u00858\n");
        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo(start + "1 2 3 4  5  6\u20287\u00858 ");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 65_530, 65_534, 65_535, 65_536})
    void badBytesAreReplacedOrSkippedAndCounted(int offset) throws IOException {
        String start = "a".repeat(offset);
        Files.write(file, (start + "b\u00ffc\u00e5\u0088d\u00ed\u00e5").getBytes(ISO_8859_1));

        Corpus replaced = Corpus.read(file, CorpusOptions.WHOLE_TEXT.withBadBytes(BadBytes.REPLACE));
        assertThat(text(replaced)).isEqualTo(start + "b\ufffdc\ufffdd\ufffd\ufffd");
        assertThat(replaced.malformed()).isEqualTo(4);

        Corpus skipped = Corpus.read(file, CorpusOptions.WHOLE_TEXT.withBadBytes(BadBytes.SKIP));
        assertThat(text(skipped)).isEqualTo(start + "bcd");
        assertThat(skipped.malformed()).isEqualTo(4);

        Corpus first = Corpus.read(
                file, CorpusOptions.WHOLE_TEXT.withBadBytes(BadBytes.SKIP).withMaxChars(offset + 2));
        assertThat(text(first)).isEqualTo(start + "bc");
        assertThat(first.malformed()).as("of what was read").isEqualTo(1);
        assertFails("the byte 0xff at offset " + (offset + 1) + " cannot be decoded");
    }

    @Test
    void unpairedSurrogatesAreBadBytes() throws IOException {
        Charset utf32 = Charset.forName("UTF-32BE");
        Files.write(file, new byte[] {0, 0, 0, 'a', 0, 0, (byte) 0xd8, 0x3d, 0, 0, 0, 'b', 0, 0, (byte) 0xd8, 0x3d});
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withEncoding(utf32);

        assertThat(text(Corpus.read(file, options.withBadBytes(BadBytes.SKIP)))).isEqualTo("ab");
        Corpus replaced = Corpus.read(file, options.withBadBytes(BadBytes.REPLACE));
        assertThat(text(replaced)).isEqualTo("a\ufffdb\ufffd");
        assertThat(replaced.malformed()).isEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 65_530, 65_534, 65_535, 65_536})
    void textIsNormalizedAcrossBuffers(int offset) throws IOException {
        String text = "\uFEFF" + "a".repeat(offset) + "e\u0323\u0301 \u1100\u1161\u11a8 \ufb01 カ\u3099\r\n";
        Files.writeString(file, text);
        for (Normalization form : Normalization.values()) {
            CorpusOptions options = CorpusOptions.WHOLE_TEXT.withNormalization(form);
            String expected = form.apply(text.substring(1)).replace("\r\n", " ");

            assertThat(text(Corpus.read(file, options))).isEqualTo(expected);
            assertThat(text(Corpus.read(file, options.withMaxChars(offset + 1))))
                    .isEqualTo(expected.substring(0, offset + 1));
        }
    }

    @Test
    void readsGzip() throws IOException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(TEXT.getBytes(UTF_8));
        }

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withKeepNewlines(true))))
                .isEqualTo(TEXT.replace("\r\n", "\n"));
    }

    @Test
    void zipMayHoldOtherFiles() throws IOException {
        zip("readme.md", "folder/", "folder/song.TXT", "__MACOSX/song.txt");

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("in folder/song.TXT");
    }

    @Test
    void onlyFileOfAZipMayHaveAnyName() throws IOException {
        zip("data/", "data/enwik8", "__MACOSX/._enwik8", ".DS_Store");

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("in data/enwik8");
    }

    @Test
    void textsOfAZipAreConcatenatedInItsOrder() throws IOException {
        zip("b.txt", "readme.md", "a.txt");
        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("in b.txtin a.txt");
        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withInclude(List.of("r*.md", "?.TXT")))))
                .isEqualTo("in readme.md");
        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxChars(10))))
                .isEqualTo("in b.txtin");

        zip("readme.md", "b.html");
        assertFails("holds 2 files, none of them *.txt; include them by a pattern of their names");
    }

    @Test
    void textsOfATarAreConcatenatedInItsOrder() throws IOException {
        Files.write(file, tar("b.txt", "folder/", "folder/a.txt", "folder/.c.txt", "readme.md"));
        List<String> skipped = new ArrayList<>();
        CorpusReader.Listener listener = new CorpusReader.Listener() {
            @Override
            public void read(long done, long total) {}

            @Override
            public void skipped(String name) {
                skipped.add(name);
            }
        };
        Corpus corpus = new CorpusReader(folder.resolve("cache"), listener)
                .read(CorpusFiles.of(List.of(file), CorpusOptions.WHOLE_TEXT), CorpusOptions.WHOLE_TEXT);

        assertThat(text(corpus)).isEqualTo("in b.txtin folder/a.txt");
        assertThat(skipped).containsExactly(file + ": folder/.c.txt", file + ": readme.md");
        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withInclude(List.of("*.md")))))
                .isEqualTo("in readme.md");

        Files.write(file, tar("readme.md"));
        assertFails("holds 1 files, none of them *.txt; include them by a pattern of their names");
    }

    private static byte[] tar(String... names) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (TarArchiveOutputStream tar = new TarArchiveOutputStream(bytes)) {
            for (String name : names) {
                byte[] text = name.endsWith("/") ? new byte[0] : ("in " + name).getBytes(UTF_8);
                TarArchiveEntry entry = new TarArchiveEntry(name);
                entry.setSize(text.length);
                tar.putArchiveEntry(entry);
                tar.write(text);
                tar.closeArchiveEntry();
            }
        }
        return bytes.toByteArray();
    }

    /** Each cut leaves the first bytes, by which the format is recognized. */
    @ParameterizedTest
    @EnumSource(
            mode = EnumSource.Mode.EXCLUDE,
            names = {"PLAIN", "TWO_GZIPS"})
    void truncatedFilesAreRejectedInOneLine(Packing packing) throws IOException {
        byte[] text = new byte[100_000];
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < text.length; i++) {
            text[i] = (byte) random.nextInt('a', 'h');
        }
        byte[] whole = packing.pack(text);
        // The rest of a tar's last block is padding.
        int end = packing == Packing.TAR ? whole.length - 10_240 : whole.length;
        for (int length = Math.min(600, whole.length / 2); length < end; length += 1 + end / 50) {
            Files.write(file, Arrays.copyOf(whole, length));
            assertThatThrownBy(() -> Corpus.read(file, CorpusOptions.WHOLE_TEXT))
                    .as("%d of %d bytes", length, whole.length)
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageStartingWith(file + " is a damaged archive (")
                    .hasMessageMatching("[^\\p{Cc}]+");
        }
    }

    @Test
    void damagedArchivesAreRejected() throws IOException {
        zip("a.txt");
        byte[] zip = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(zip, zip.length / 2));
        assertFails("is a damaged archive");

        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(new byte[10_000]);
        }
        byte[] gzip = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(gzip, gzip.length - 9));
        assertFails("is a damaged archive");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 65_535, 65_536, 65_537, 200_000})
    void messageNamesOffsetOfMalformedByte(int offset) throws IOException {
        byte[] bytes = new byte[200_010];
        Arrays.fill(bytes, (byte) 'a');
        bytes[offset] = (byte) 0xff;
        Files.write(file, bytes);

        assertFails("is not UTF-8: in line 1, the byte 0xff at offset " + offset + " cannot be decoded");
    }

    @Test
    void bytesBeyondMaxCharsAreNotDecoded() throws IOException {
        Files.write(file, new byte[] {'a', 'b', 'c', (byte) 0xff});

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxChars(3))))
                .isEqualTo("abc");
        assertThatThrownBy(() -> Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxChars(4)))
                .hasMessageContaining("offset 3");
    }

    @Test
    void messageSuggestsAnotherEncoding() throws IOException {
        Files.write(file, new byte[] {'a', (byte) 0xff});
        assertFails("e.g. GB18030");

        assertThatThrownBy(() -> Corpus.read(file, CorpusOptions.WHOLE_TEXT.withEncoding(Charset.forName("GB18030"))))
                .hasMessageContaining("is not GB18030")
                .hasMessageContaining("e.g. UTF-8");
    }

    @Test
    void textMayBeginLikeAnArchive() throws IOException {
        Files.writeString(file, "PKU is a university");
        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("PKU is a university");

        Files.write(file, new byte[] {0x1f, (byte) 0x8b});
        assertFails("is a damaged archive");
    }

    @Test
    void zipEntryNameMayBeInAnyEncoding() throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file), Charset.forName("GBK"))) {
            zip.putNextEntry(new ZipEntry("歌词.txt"));
            zip.write("abc".getBytes(UTF_8));
        }

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo("abc");
    }

    @Test
    void truncatedCharacterIsAnError() throws IOException {
        Files.write(file, new byte[] {'a', 'b', (byte) 0xe5, (byte) 0x88});

        assertFails("the byte 0xe5 at offset 2 cannot be decoded");
    }

    @Test
    void charactersMaySpanBuffers() throws IOException {
        String text = "a" + "😀".repeat(40_000) + "分".repeat(40_000);
        Files.writeString(file, text);

        assertThat(text(Corpus.read(file, CorpusOptions.WHOLE_TEXT))).isEqualTo(text);
    }

    /** 64 MiB of zeros in 64 KiB. */
    @Test
    void unpackingStopsAtMaxBytes() throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            zip.putNextEntry(new ZipEntry("bomb.txt"));
            for (int i = 0; i < 64; i++) {
                zip.write(new byte[1 << 20]);
            }
        }
        assertThat(Files.size(file)).isLessThan(1 << 17);

        assertThatThrownBy(() -> Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxBytes(1_000_000)))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(file + " unpacks to more than 1000000 bytes; if it is text, raise max-bytes");
        assertThat(Corpus.read(file, CorpusOptions.WHOLE_TEXT.withMaxBytes(1 << 26))
                        .length())
                .isEqualTo(1 << 26);
    }

    /** 300 MiB in 300 KiB, which needs an explicit --max-bytes. */
    @ParameterizedTest
    @ValueSource(strings = {"zip", "gz"})
    void suspectedZipBombNeedsExplicitLimit(String kind) throws IOException {
        byte[] part = "the sea was calm".repeat(1 << 16).getBytes(UTF_8);
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = kind.equals("zip") ? new ZipOutputStream(out) : null;
                OutputStream gzip = zip == null ? new GZIPOutputStream(out) : zip) {
            if (zip != null) {
                zip.putNextEntry(new ZipEntry("text.txt"));
            }
            for (int i = 0; i < 300; i++) {
                gzip.write(part);
            }
        }
        CorpusReader reader = new CorpusReader(folder.resolve("cache"), CorpusReader.Listener.NONE);
        CorpusFiles files = CorpusFiles.of(List.of(file), CorpusOptions.WHOLE_TEXT);
        assertThatThrownBy(() -> reader.read(files, CorpusOptions.WHOLE_TEXT))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(file + " unpacks to more than 256 MiB, over 100 times its size, like a zip bomb;"
                        + " if it is text, raise max-bytes");

        assertThat(reader.read(files, CorpusOptions.WHOLE_TEXT.withMaxChars(10_000))
                        .length())
                .isEqualTo(10_000);
        assertThat(reader.read(files, CorpusOptions.WHOLE_TEXT.withMaxBytes(300L << 20))
                        .length())
                .isEqualTo(300L << 20);
    }

    @Test
    void missingAndEmptyFilesAndDirectoriesAreRejected() throws IOException {
        assertFails("there is no file " + file);

        Files.createFile(file);
        assertFails("is empty; a corpus needs text");

        Files.delete(file);
        Files.createDirectory(file);
        assertFails("is a directory without a text file (*.txt); name another");
    }

    @Test
    void hashIgnoresContainer() throws IOException {
        Files.writeString(file, "abc");
        String plain = Corpus.read(file, CorpusOptions.WHOLE_TEXT).sha256();
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("abc".getBytes(UTF_8));
        }

        assertThat(Corpus.read(file, CorpusOptions.WHOLE_TEXT).sha256())
                .isEqualTo(plain)
                .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    @Test
    void builtInLyricsAreLargeAndVariedEnough() throws IOException {
        Corpus lyrics = Corpus.builtIn(CorpusOptions.WHOLE_TEXT);
        Vocabulary vocabulary = Vocabulary.of(lyrics);

        assertThat(lyrics.length()).isGreaterThanOrEqualTo(20_000);
        assertThat(vocabulary.size()).isBetween(900, 1_400);
        Corpus textbook = Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS));
        assertThat(text(textbook)).contains("不分开");
    }

    private void assertFails(String message) {
        assertThatThrownBy(() -> Corpus.read(file, CorpusOptions.WHOLE_TEXT))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining(message)
                .hasMessageContaining(file.toString());
    }

    private void zip(String... names) throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
            for (String name : names) {
                zip.putNextEntry(new ZipEntry(name));
                if (!name.endsWith("/")) {
                    zip.write(("in " + name).getBytes(UTF_8));
                }
            }
        }
    }

    private static String text(Corpus corpus) {
        int[] codePoints = CodePoints.of(corpus);
        return new String(codePoints, 0, codePoints.length);
    }
}
