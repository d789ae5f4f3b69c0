package dev.libretto.export;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.libretto.Fuzzing;
import dev.libretto.LibrettoException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;
import org.tensorflow.ndarray.Shape;

/** Any bytes as a weights file give arrays that can be written again, or one line that says what is wrong. */
class SafetensorsFuzzTest {
    @TempDir(factory = Fuzzing.InMemory.class)
    private Path folder;

    @MethodSource("files")
    @FuzzTest
    void anyContentIsReadOrRejected(byte[] content) throws IOException {
        Optional<List<NamedArray>> arrays = read(content);
        if (arrays.isPresent()) {
            byte[] written = written(arrays.get());
            assertThat(written(read(written).orElseThrow())).isEqualTo(written);
        }
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void damagedFilesAndNoise() throws IOException {
        List<byte[]> files = files();
        for (int seed = 0; seed < 3_000; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            byte[] content = files.get(random.nextInt(files.size()));
            for (int damages = 1 + random.nextInt(3); damages > 0; damages--) {
                content = Fuzzing.damaged(content, files.get(random.nextInt(files.size())), random);
            }
            anyContentIsReadOrRejected(content);
        }
    }

    private Optional<List<NamedArray>> read(byte[] content) throws IOException {
        Path file = folder.resolve("weights");
        Files.deleteIfExists(file);
        Files.write(file, content);
        return Fuzzing.read(file, LibrettoException.class, () -> Safetensors.read(file));
    }

    static List<byte[]> files() throws IOException {
        List<NamedArray> arrays = List.of(
                new NamedArray("a", Shape.of(2, 3), new float[] {1, -2, 0.5f, Float.NaN, -0.0f, Float.MIN_VALUE}),
                new NamedArray("b", Shape.of(1), new float[] {3}));
        return List.of(written(arrays), Files.readAllBytes(Path.of("src/test/resources/weights/torch.safetensors")));
    }

    private static byte[] written(List<NamedArray> arrays) throws IOException {
        ByteArrayOutputStream output = new ByteArrayOutputStream();
        Safetensors.write(output, arrays);
        return output.toByteArray();
    }
}
