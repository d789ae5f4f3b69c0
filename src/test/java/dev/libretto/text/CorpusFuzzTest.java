package dev.libretto.text;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.libretto.Fuzzing;
import dev.libretto.LibrettoException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Arbitrary bytes read as a corpus give a text or a one-line error. */
class CorpusFuzzTest {
    private static final List<Charset> ENCODINGS = Stream.of("UTF-8", "GB18030", "UTF-16", "Shift_JIS", "CESU-8")
            .map(Charset::forName)
            .toList();

    @TempDir(factory = Fuzzing.InMemory.class)
    private Path folder;

    /** @param input a byte that selects the encoding, then the file */
    @MethodSource("files")
    @FuzzTest
    void readsTextOrThrowsLibrettoException(byte[] input) throws IOException {
        Charset encoding = ENCODINGS.get(input.length == 0 ? 0 : (input[0] & 0xff) % ENCODINGS.size());
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withEncoding(encoding).withMaxBytes(1 << 20);
        Path file = folder.resolve("text.txt");
        Files.deleteIfExists(file);
        Files.write(file, Arrays.copyOfRange(input, Math.min(1, input.length), Math.max(1, input.length)));

        Fuzzing.read(file, LibrettoException.class, () -> Corpus.read(file, options))
                .ifPresent(corpus -> {
                    assertThat(corpus.length()).isPositive();
                    assertThat(Arrays.stream(CodePoints.of(corpus)))
                            .allMatch(Character::isValidCodePoint)
                            .noneMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
                });
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void damagedFilesAndNoise() throws IOException {
        List<byte[]> files = files();
        for (int seed = 0; seed < 10_000; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            byte[] input = files.get(random.nextInt(files.size()));
            for (int damages = random.nextInt(4); damages > 0; damages--) {
                input = Fuzzing.damaged(input, files.get(random.nextInt(files.size())), random);
            }
            readsTextOrThrowsLibrettoException(input);
        }
    }

    static List<byte[]> files() throws IOException {
        List<byte[]> files = new ArrayList<>();
        String text = "分开\n不分开 ソ end";
        for (int i = 0; i < ENCODINGS.size(); i++) {
            byte[] bytes = text.replace("分开", i == 3 ? "分" : "😀").getBytes(ENCODINGS.get(i));
            for (Packing packing : Packing.values()) {
                ByteArrayOutputStream input = new ByteArrayOutputStream();
                input.write(i);
                input.writeBytes(packing.pack(bytes));
                files.add(input.toByteArray());
            }
        }
        files.add("\0PK".getBytes(UTF_8));
        return files;
    }
}
