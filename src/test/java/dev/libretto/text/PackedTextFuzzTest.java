package dev.libretto.text;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.libretto.ByteSource;
import dev.libretto.Fuzzing;
import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/** A text in any encoding and container reads back unchanged; damage goes unnoticed only without a checksum. */
class PackedTextFuzzTest {
    private static final int BYTE_ORDER_MARK = 0xFEFF;
    /** Magic bytes; a text that begins with them is read as an archive. */
    private static final Pattern ARCHIVE = Pattern.compile("PK\\x03\\x04|PK\\x05\\x06|\\x1f\\x8b");

    private static final Pattern UNDECODABLE = Pattern.compile("the byte 0x(..) at offset (\\d+) cannot be decoded");

    /** The characters that survive a round trip through each encoding. */
    private static final TreeMap<Charset, int[]> CHARACTERS = new TreeMap<>();

    static {
        for (String name : List.of("UTF-8", "GB18030", "UTF-16", "UTF-16LE", "Shift_JIS")) {
            Charset encoding = Charset.forName(name);
            CHARACTERS.put(
                    encoding,
                    IntStream.range(0, 0x11000)
                            .filter(c -> c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE)
                            .filter(c -> c != BYTE_ORDER_MARK && c != '\r')
                            .filter(c -> Character.toString(c).equals(new String(bytes(encoding, c), encoding)))
                            .toArray());
        }
    }

    @TempDir(factory = Fuzzing.InMemory.class)
    private Path folder;

    @FuzzTest
    void roundTrips(byte[] choices) throws IOException {
        roundTrips(new ByteSource(choices));
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void randomTexts() throws IOException {
        for (int seed = 0; seed < 3_000; seed++) {
            roundTrips(new SplittableRandom(seed));
        }
    }

    private void roundTrips(RandomGenerator random) throws IOException {
        Charset encoding = pick(random, CHARACTERS.keySet().toArray(Charset[]::new));
        Packing packing = pick(random, Packing.values());
        int[] text = text(random, CHARACTERS.get(encoding));
        byte[] bytes = bytes(encoding, text);
        byte[] packed = packing.pack(bytes);
        if (packing == Packing.PLAIN
                && ARCHIVE.matcher(new String(bytes, ISO_8859_1)).lookingAt()) {
            return;
        }
        Path file = folder.resolve("text.txt");
        CorpusOptions options = CorpusOptions.WHOLE_TEXT
                .withMaxChars(random.nextInt(300))
                .withKeepNewlines(true)
                .withEncoding(encoding)
                .withMaxBytes(bytes.length);

        write(file, packed);
        int[] expected =
                options.maxChars() == 0 ? text : Arrays.copyOf(text, (int) Math.min(options.maxChars(), text.length));
        assertThat(CodePoints.of(Corpus.read(file, options)))
                .as("%s, %s", encoding, packing)
                .isEqualTo(expected);

        // Keep the magic bytes, so that the container is still recognized.
        byte[] head = Arrays.copyOf(packed, Math.min(10, packed.length));
        byte[] damaged = Fuzzing.damaged(packed, bytes, random);
        System.arraycopy(head, 0, damaged, 0, Math.min(head.length, damaged.length));
        if (damaged.length < head.length) {
            return;
        }
        write(file, damaged);
        Optional<Corpus> read = Fuzzing.read(file, LibrettoException.class, () -> {
            try {
                return Corpus.read(file, options.withMaxChars(0).withMaxBytes(1 << 20));
            } catch (LibrettoException e) {
                Matcher undecodable = UNDECODABLE.matcher(e.getMessage());
                if (packing == Packing.PLAIN && undecodable.find()) {
                    assertThat(damaged[Integer.parseInt(undecodable.group(2))])
                            .isEqualTo((byte) Integer.parseInt(undecodable.group(1), 16));
                }
                throw e;
            }
        });
        // The JDK takes a second gzip member with a damaged header for the end.
        if (packing.hasChecksum() && packing != Packing.TWO_GZIPS) {
            read.ifPresent(corpus -> assertThat(CodePoints.of(corpus))
                    .as("damaged %s, %s", encoding, packing)
                    .isEqualTo(text));
        }
    }

    private static int[] text(RandomGenerator random, int[] characters) {
        int length = 1 + random.nextInt(random.nextInt(8) == 0 ? 70_000 : 200);
        int[] some = IntStream.range(0, Math.min(length, 200))
                .map(i -> characters[random.nextInt(characters.length)])
                .toArray();
        int[] text = new int[length];
        Arrays.setAll(text, i -> some[i % some.length]);
        if (length > 1 && random.nextInt(8) == 0) {
            text[0] = 'P';
            text[1] = 'K';
        }
        return text;
    }

    private static byte[] bytes(Charset encoding, int... text) {
        return new String(text, 0, text.length).getBytes(encoding);
    }

    private static void write(Path file, byte[] bytes) throws IOException {
        Files.deleteIfExists(file);
        Files.write(file, bytes);
    }

    private static <T> T pick(RandomGenerator random, T[] of) {
        return of[random.nextInt(of.length)];
    }
}
