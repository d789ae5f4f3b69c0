package dev.libretto.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Index files and texts of several files. */
class CorpusReaderTest {
    private static final int IN_MEMORY = 1000;
    private static final int SURROGATES = Character.MAX_SURROGATE - Character.MIN_SURROGATE + 1;

    @TempDir
    private Path folder;

    private final List<Long> progress = new ArrayList<>();
    private int indexed;
    private Path latestIndex;

    @ParameterizedTest
    @CsvSource({"UTF-8, 1", "UTF-8, 3", "UTF-16, 2", "GB18030, 4", "UTF-32, 1"})
    void indexHoldsSameTextAsMemory(String encoding, int fileCount) throws IOException {
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withEncoding(Charset.forName(encoding));
        for (int seed = 0; seed < 10; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            List<Path> files = new ArrayList<>();
            for (int i = 0; i < fileCount; i++) {
                String text = text(random, 1 + random.nextInt(100_000), 1 << 3 + random.nextInt(18));
                files.add(Files.write(folder.resolve(seed + "-" + i), text.getBytes(options.encoding())));
            }
            CorpusFiles named = CorpusFiles.of(files, CorpusOptions.WHOLE_TEXT);
            Corpus expected = new CorpusReader().read(named, options);

            // The first pass writes the index, the second reads it.
            for (int pass = 0; pass < 2; pass++) {
                assertSame(reader().read(named, options), expected);
                assertThat(indexed).isEqualTo(seed + 1);
            }
        }
    }

    /** Enough distinct characters for ids of one, two and four bytes. */
    @Test
    void indexHoldsIdsOfEveryWidth() throws IOException {
        int[] all = IntStream.range(0x80, 0x80 + 70_000)
                .map(c -> c < Character.MIN_SURROGATE ? c : c + SURROGATES)
                .toArray();
        int[] twice = IntStream.concat(Arrays.stream(all), Arrays.stream(all)).toArray();
        Path file = Files.writeString(folder.resolve("all.txt"), new String(twice, 0, twice.length));
        Corpus corpus =
                reader().read(CorpusFiles.of(List.of(file), CorpusOptions.WHOLE_TEXT), CorpusOptions.WHOLE_TEXT);

        assertThat(indexed).isOne();
        assertThat(CodePoints.of(corpus)).isEqualTo(twice);
        assertThat(Files.size(latestIndex))
                .as(
                        "256 ids of 1 byte, 65,280 of 2, the rest of 4; 12 bytes for each distinct character; the trailer's other fields")
                .isEqualTo(256 + 2 * (65_536 - 256) + 4 * (140_000 - 65_536) + 12 * 70_000 + 34 + 66 + 8 + 24 + 4 + 20);
    }

    @ParameterizedTest
    @ValueSource(strings = {"flipped", "cut", "empty", "longer", "tail only"})
    void damagedIndexIsRebuilt(String damage) throws IOException {
        CorpusFiles files = CorpusFiles.of(List.of(write("text.txt", 5000)), CorpusOptions.WHOLE_TEXT);
        Corpus expected = reader().read(files, CorpusOptions.WHOLE_TEXT);
        byte[] whole = Files.readAllBytes(latestIndex);
        int step = damage.equals("flipped") || damage.equals("cut") ? whole.length / 20 : whole.length;
        for (int at = 0; at < whole.length; at += step) {
            byte[] bytes = whole.clone();
            bytes[at] ^= 0x40;
            byte[] damaged = switch (damage) {
                case "flipped" -> bytes;
                case "cut" -> Arrays.copyOf(whole, at);
                case "empty" -> new byte[0];
                case "longer" -> Arrays.copyOf(whole, whole.length + 1);
                default -> Arrays.copyOfRange(whole, whole.length - IndexFile.TAIL_BYTES, whole.length);
            };
            replace(latestIndex, damaged);
            indexed = 0;

            assertSame(reader().read(files, CorpusOptions.WHOLE_TEXT), expected);
            assertThat(indexed).isOne();
            assertThat(Files.readAllBytes(latestIndex)).isEqualTo(whole);
        }
    }

    @Test
    void indexIsRebuiltIfTheTextChanges() throws IOException {
        Path file = write("text.txt", 5000);
        CorpusFiles files = CorpusFiles.of(List.of(file), CorpusOptions.WHOLE_TEXT);
        reader().read(files, CorpusOptions.WHOLE_TEXT);
        byte[] other = Files.readAllBytes(file);
        other[2000] ^= 1;
        Files.write(file, other);
        Files.setLastModifiedTime(file, FileTime.fromMillis(1));

        assertSame(
                reader().read(files, CorpusOptions.WHOLE_TEXT),
                new CorpusReader().read(files, CorpusOptions.WHOLE_TEXT));
        assertThat(indexed).isEqualTo(2);
        assertThat(list(folder.resolve("cache")))
                .as("the old index is replaced")
                .hasSize(1);

        CorpusOptions fewer = CorpusOptions.WHOLE_TEXT.withMaxChars(3000);
        assertThat(reader().read(files, fewer).length()).isEqualTo(3000);
        assertThat(reader().read(files, CorpusOptions.WHOLE_TEXT).length()).isEqualTo(5000);
        assertThat(indexed).isEqualTo(3);
    }

    @Test
    void noIndexForTextThatFitsInMemory() throws IOException {
        Corpus corpus = reader().read(
                        CorpusFiles.of(List.of(write("text.txt", IN_MEMORY)), CorpusOptions.WHOLE_TEXT),
                        CorpusOptions.WHOLE_TEXT);

        assertThat(corpus.length()).isEqualTo(IN_MEMORY);
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    @Test
    void noIndexRemainsAfterError() throws IOException {
        Path bad = Files.write(folder.resolve("bad.txt"), new byte[] {(byte) 0xff});
        CorpusFiles files = CorpusFiles.of(List.of(write("text.txt", 5000), bad), CorpusOptions.WHOLE_TEXT);

        assertThatThrownBy(() -> reader().read(files, CorpusOptions.WHOLE_TEXT))
                .hasMessageStartingWith(bad + " is not UTF-8: in line 1, the byte 0xff at offset 0");
        assertThat(list(folder.resolve("cache"))).isEmpty();
    }

    /** The cache may be shared: only unfinished indexes of dead Libretto processes are deleted. */
    @Test
    void onlyAbandonedIndexesAreDeleted() throws IOException {
        String hash = "0123456789abcdef".repeat(2);
        // Larger than any process id.
        long dead = 999_999_999_999L;
        Path cache = Files.createDirectory(folder.resolve("cache"));
        Path link = Files.createSymbolicLink(cache.resolve(hash + ".ids." + (dead + 1) + ".new"), folder);
        Path directory = Files.createDirectory(cache.resolve(hash + ".ids." + (dead + 2) + ".new"));
        String alive = hash + ".ids." + ProcessHandle.current().pid() + ".new";
        List<String> others = List.of("thesis.new", hash + ".new", hash + ".ids.new", "x" + hash + ".ids.1.new", alive);
        for (String name : others) {
            makeOld(Files.createFile(cache.resolve(name)));
        }
        makeOld(directory);
        Path fresh = Files.createFile(cache.resolve(hash + ".ids." + dead + ".new"));
        Path abandoned = makeOld(Files.createFile(cache.resolve(hash + ".ids." + (dead + 3) + ".new")));

        reader().read(
                        CorpusFiles.of(List.of(write("text.txt", 5000)), CorpusOptions.WHOLE_TEXT),
                        CorpusOptions.WHOLE_TEXT);

        assertThat(abandoned).doesNotExist();
        assertThat(others).allSatisfy(name -> assertThat(cache.resolve(name)).exists());
        assertThat(List.of(link, directory, fresh, folder))
                .allSatisfy(path -> assertThat(path).exists());
    }

    @ParameterizedTest
    @EnumSource
    void fractionReadIsEstimatedForEachPacking(Packing packing) throws IOException {
        byte[] text = Files.readAllBytes(write("text.txt", 300_000));
        Path packed = Files.write(folder.resolve("packed.txt"), packing.pack(text));
        CorpusFiles files = CorpusFiles.of(List.of(packed), CorpusOptions.WHOLE_TEXT);
        CorpusOptions options = CorpusOptions.WHOLE_TEXT;

        double fraction =
                new CorpusReader().read(files, options.withMaxChars(9_000)).fractionRead();
        if (Set.of(Packing.BZIP2, Packing.XZ, Packing.ZSTD).contains(packing)) {
            assertThat(fraction).as("a block is unpacked at once").isNaN();
        } else {
            assertThat(Math.round(100 * fraction))
                    .as("as it is shown, in percent")
                    .isEqualTo(3);
        }
        assertThat(Math.round(100
                        * new CorpusReader()
                                .read(files, options.withMaxChars(300_000))
                                .fractionRead()))
                .as("but for the end of a tar")
                .isEqualTo(100);
        assertThat(new CorpusReader().read(files, options).fractionRead()).isOne();
    }

    /** A pipe's index file is deleted, since it cannot be reused. */
    @ParameterizedTest
    @CsvSource({
        "PLAIN, 500",
        "PLAIN, 200000",
        "GZIP, 200000",
        "TWO_GZIPS, 200000",
        "BZIP2, 200000",
        "XZ, 200000",
        "ZSTD, 200000",
        "TAR_GZIP, 200000"
    })
    void pipeIsReadOnce(Packing packing, int length) throws IOException, InterruptedException {
        Path file = write("text.txt", length);
        byte[] packed = packing.pack(Files.readAllBytes(file));
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        Thread writer = new Thread(() -> write(pipe, packed));
        writer.start();

        Corpus corpus =
                reader().read(CorpusFiles.of(List.of(pipe), CorpusOptions.WHOLE_TEXT), CorpusOptions.WHOLE_TEXT);

        writer.join();
        assertSame(
                corpus,
                new CorpusReader()
                        .read(CorpusFiles.of(List.of(file), CorpusOptions.WHOLE_TEXT), CorpusOptions.WHOLE_TEXT));
        assertThat(indexed).isZero();
        if (length > IN_MEMORY) {
            assertThat(list(folder.resolve("cache"))).isEmpty();
        }
    }

    /** Writes small pieces with pauses, in which the pipe is empty. */
    private static void write(Path pipe, byte[] bytes) {
        try (OutputStream out = Files.newOutputStream(pipe)) {
            for (int start = 0; start < bytes.length; start += 5000) {
                out.write(bytes, start, Math.min(5000, bytes.length - start));
                Thread.sleep(1);
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Path makeOld(Path file) throws IOException {
        return Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    }

    @Test
    void unwritableIndexIsReported() throws IOException {
        Files.writeString(folder.resolve("cache"), "in the way");
        CorpusFiles files = CorpusFiles.of(List.of(write("text.txt", 5000)), CorpusOptions.WHOLE_TEXT);

        assertThatThrownBy(() -> reader().read(files, CorpusOptions.WHOLE_TEXT))
                .isInstanceOf(LibrettoException.class)
                .hasMessageStartingWith("the index of " + folder.resolve("text.txt") + " could not be written to "
                        + folder.resolve("cache") + ": ")
                .hasMessageEndingWith("set LIBRETTO_CACHE to a directory with room for it");
    }

    /** As {@code cat} does, after unpacking. A byte order mark is dropped from each file. */
    @Test
    void filesAreConcatenatedInOrder() throws IOException {
        Files.write(folder.resolve("2.txt.gz"), Packing.GZIP.pack("\uFEFF开b\n".getBytes(UTF_8)));
        Files.write(folder.resolve("3.TXT.zip"), Packing.ZIP.pack("c😀c".getBytes(UTF_8)));
        Files.writeString(folder.resolve("10.txt"), "分");
        Files.createDirectory(folder.resolve("4.txt"));
        Files.writeString(folder.resolve(".5.txt"), "hidden");
        Files.writeString(folder.resolve("readme.md"), "no text");
        CorpusFiles directory = CorpusFiles.of(List.of(folder), CorpusOptions.WHOLE_TEXT);
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withKeepNewlines(true);

        assertThat(directory.name()).isEqualTo(folder.toString());
        assertThat(directory.files())
                .extracting(folder::relativize)
                .extracting(Path::toString)
                .containsExactly("10.txt", "2.txt.gz", "3.TXT.zip");
        assertThat(directory.skipped())
                .extracting(folder::relativize)
                .extracting(Path::toString)
                .containsExactly(".5.txt", "4.txt", "readme.md");
        Corpus whole = new Corpus("whole", "分开b\nc😀c".codePoints().toArray());
        assertSame(reader().read(directory, options), whole);

        CorpusFiles named = CorpusFiles.of(List.of(folder.resolve("readme.md"), folder), CorpusOptions.WHOLE_TEXT);
        assertThat(named.name()).isEqualTo(folder.resolve("readme.md") + " and 1 more");
        assertThat(CodePoints.of(reader().read(named, options.withMaxChars(9))))
                .isEqualTo("no text分开".codePoints().toArray());
    }

    /** Two line ends, and an accent that is not composed with the letter before. */
    @Test
    void filesAreDecodedAndNormalizedEachByItself() throws IOException {
        Files.writeString(folder.resolve("1.txt"), "e\u0301\r");
        Files.writeString(folder.resolve("2.txt"), "\ne");
        Files.writeString(folder.resolve("3.txt"), "\u0301y");
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withKeepNewlines(true).withNormalization(Normalization.NFC);

        assertThat(CodePoints.of(reader().read(CorpusFiles.of(List.of(folder), options), options)))
                .isEqualTo("\u00e9\n\ne\u0301y".codePoints().toArray());
    }

    @Test
    void progressRunsFromFirstToLastByte() throws IOException {
        List<Path> files = new ArrayList<>();
        for (Packing packing : Packing.values()) {
            byte[] text = Files.readAllBytes(write("text.txt", 200_000));
            files.add(Files.write(folder.resolve(packing + ".txt"), packing.pack(text)));
        }
        long total = 0;
        for (Path file : files) {
            total += Files.size(file);
        }
        reader().read(CorpusFiles.of(files, CorpusOptions.WHOLE_TEXT), CorpusOptions.WHOLE_TEXT);

        assertThat(progress).isSorted().hasSizeGreaterThan(files.size());
        assertThat(progress.get(0)).isLessThan(total / 2);
        assertThat(progress.get(progress.size() - 1)).isBetween(total - 200, total);
    }

    private static void assertSame(Corpus actual, Corpus expected) {
        assertThat(CodePoints.of(actual)).isEqualTo(CodePoints.of(expected));
        assertThat(actual.sha256()).isEqualTo(expected.sha256());
        Vocabulary vocabulary = Vocabulary.of(expected, 2);
        assertThat(Vocabulary.of(actual, 2).symbols()).isEqualTo(vocabulary.symbols());
        assertThat(all(vocabulary.encode(actual))).isEqualTo(all(vocabulary.encode(expected)));
    }

    private static int[] all(Ids ids) {
        return LongStream.range(0, ids.length()).mapToInt(ids::at).toArray();
    }

    private CorpusReader reader() {
        CorpusReader.Listener listener = new CorpusReader.Listener() {
            @Override
            public void read(long done, long total) {
                progress.add(done);
            }

            @Override
            public void indexed(Path index) {
                assertThat(list(folder.resolve("cache"))).contains(index);
                latestIndex = index;
                indexed++;
            }
        };
        return new CorpusReader(folder.resolve("cache"), listener, IN_MEMORY);
    }

    private static List<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    /** Deletes the old file first, since it may be mapped. */
    private static void replace(Path file, byte[] bytes) throws IOException {
        Files.delete(file);
        Files.write(file, bytes);
    }

    private Path write(String name, int length) throws IOException {
        String text = text(new SplittableRandom(length), length, 1 << 7);
        return Files.writeString(folder.resolve(name), text);
    }

    private static String text(RandomGenerator random, int length, int limit) {
        int distinct = Math.min(limit, Character.MAX_CODE_POINT + 1 - SURROGATES);
        return random.ints(length, 0, distinct)
                .map(c -> c < Character.MIN_SURROGATE ? c : c + SURROGATES)
                // CR LF is one character.
                .map(c -> c == '\r' ? 'r' : c)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
