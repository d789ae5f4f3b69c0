package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** What the fuzz tests share: how bytes get damaged, and what every reader promises. */
public final class Fuzzing {
    /** Far more than reading any of the inputs takes, far less than a length in them can claim. */
    private static final long MAX_ALLOCATION = 1 << 26;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Fuzzing() {}

    /** Something that reads what is at a path. */
    public interface Reader<T> {
        T read() throws IOException;
    }

    /**
     * Holds a reader to its promise: a value, or its own exception with one line that names what it read; and no more
     * memory than that takes.
     *
     * @return the value, or nothing where the reader threw
     */
    public static <T> Optional<T> read(Path named, Class<? extends IOException> documented, Reader<T> reader) {
        long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
        Optional<T> value;
        try {
            value = Optional.of(reader.read());
        } catch (Exception e) {
            assertThat(e).isInstanceOf(documented);
            assertThat(e.getMessage())
                    .contains(named.toString())
                    .doesNotContainPattern("[\\p{Cc}\\p{Zl}\\p{Zp}]")
                    .doesNotContain("(null)")
                    .hasSizeLessThan(2_000);
            value = Optional.empty();
        }
        assertThat(THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()) - before)
                .isLessThan(MAX_ALLOCATION);
        return value;
    }

    /** Bytes with a bit flipped, or a stretch overwritten, cut off, left out, repeated, or taken from elsewhere. */
    public static byte[] damaged(byte[] good, byte[] elsewhere, RandomGenerator random) {
        int from = random.nextInt(good.length + 1);
        int to = from + random.nextInt(good.length - from + 1);
        return switch (random.nextInt(6)) {
            case 0 -> {
                byte[] flipped = good.clone();
                if (from < good.length) {
                    flipped[from] ^= (byte) (1 << random.nextInt(Byte.SIZE));
                }
                yield flipped;
            }
            case 1 -> {
                byte[] overwritten = good.clone();
                byte[] noise = new byte[Math.min(to - from, 8)];
                random.nextBytes(noise);
                System.arraycopy(noise, 0, overwritten, from, noise.length);
                yield overwritten;
            }
            case 2 -> Arrays.copyOf(good, from);
            case 3 -> joined(good, from, good, to);
            case 4 -> joined(good, to, good, from);
            default -> joined(good, from, elsewhere, random.nextInt(elsewhere.length + 1));
        };
    }

    /** The first bytes of one and the last of another. */
    private static byte[] joined(byte[] head, int headEnd, byte[] tail, int tailStart) {
        byte[] joined = Arrays.copyOf(head, headEnd + tail.length - tailStart);
        System.arraycopy(tail, tailStart, joined, headEnd, tail.length - tailStart);
        return joined;
    }

    /** A temporary folder in memory where the machine has one: the tests write thousands of files. */
    public static final class InMemory implements TempDirFactory {
        private static final Path MEMORY = Path.of("/dev/shm");

        @Override
        public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext test) throws IOException {
            return Files.isWritable(MEMORY)
                    ? Files.createTempDirectory(MEMORY, "libretto")
                    : Files.createTempDirectory("libretto");
        }
    }
}
