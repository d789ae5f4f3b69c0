package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.libretto.ByteSource;
import dev.libretto.Fuzzing;
import dev.libretto.LibrettoException;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/** However its files are damaged, a run never loads changed weights, and never older ones without a warning. */
class CheckpointFuzzTest {
    private static final String OLDER = "checkpoints/step-00000010";
    private static final String NEWEST = "checkpoints/step-00000020";

    @TempDir(factory = Fuzzing.InMemory.class)
    private Path folder;

    private TestRun run;
    private final List<String> warnings = new ArrayList<>();

    @BeforeEach
    void createRun() throws IOException {
        run = TestRun.create(folder.resolve("run"));
    }

    @FuzzTest
    void damageNeverChangesWeightsSilently(byte[] choices) throws IOException {
        damageNeverChangesWeightsSilently(new ByteSource(choices));
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void randomDamage() throws IOException {
        for (int seed = 0; seed < 200; seed++) {
            damageNeverChangesWeightsSilently(new SplittableRandom(seed));
        }
    }

    private void damageNeverChangesWeightsSilently(RandomGenerator random) throws IOException {
        run.restore();
        for (int damages = 1 + random.nextInt(3); damages > 0; damages--) {
            damage(random);
        }
        boolean forged = random.nextInt(4) == 0;
        if (forged) {
            forge(OLDER);
            forge(NEWEST);
        }

        Optional<RunDirectory> opened = read(() -> RunDirectory.open(run.path()));
        if (opened.isEmpty()) {
            return;
        }
        RunConfig config = opened.get().config();
        Optional<Checkpoint> newest = read(() -> opened.get().newest(warnings::add));
        List<String> newestWarnings = takeWarnings();
        Optional<Checkpoint> best = read(() -> opened.get().best(warnings::add));
        List<String> bestWarnings = takeWarnings();
        Optional<Resumed> resumed = read(() -> {
            Resumed from = RunDirectory.resume(run.path(), config, warnings::add);
            try (RunDirectory directory = from.run()) {
                directory.begin(from.checkpoint());
            }
            return from;
        });
        List<String> resumedWarnings = takeWarnings();
        if (forged) {
            return;
        }

        newest.ifPresent(checkpoint -> assertKnown(checkpoint, newestWarnings));
        best.ifPresent(checkpoint -> assertKnown(checkpoint, bestWarnings));
        if (resumed.isPresent()) {
            assertKnown(resumed.get().checkpoint(), resumedWarnings);
            Checkpoint again = opened.get().newest(warnings::add);
            assertThat(TestRun.same(again, resumed.get().checkpoint())).isTrue();
            assertThat(takeWarnings()).isEmpty();
        }
    }

    /** Asserts that the newest checkpoint is read or, with a warning, the one before. */
    private void assertKnown(Checkpoint checkpoint, List<String> warned) {
        if (!TestRun.same(checkpoint, run.oldestFirst().get(1))) {
            assertThat(TestRun.same(checkpoint, run.oldestFirst().get(0))).isTrue();
            assertThat(warned).isNotEmpty();
        }
    }

    private List<String> takeWarnings() {
        List<String> taken = List.copyOf(warnings);
        warnings.clear();
        return taken;
    }

    private <T> Optional<T> read(Fuzzing.Reader<T> reader) {
        return Fuzzing.read(run.path(), LibrettoException.class, reader);
    }

    private void damage(RandomGenerator random) throws IOException {
        List<String> names = new ArrayList<>(run.files().keySet());
        names.remove("lock");
        String name = names.get(random.nextInt(names.size()));
        String other = names.get(random.nextInt(names.size()));
        Path file = run.path().resolve(name);
        switch (random.nextInt(10)) {
            case 0 -> Files.deleteIfExists(file);
            case 1 -> run.write(name, run.files().get(other));
            case 2 -> run.write(name + ".bak", run.files().get(name));
            case 3 -> {
                Files.deleteIfExists(file);
                Files.createDirectories(file);
            }
            case 4 -> copyCheckpoint(OLDER, random.nextBoolean() ? NEWEST : "checkpoints/step-00000030");
            case 5 -> copyCheckpoint(NEWEST, random.nextBoolean() ? OLDER : NEWEST + "-rollback-1");
            default ->
                run.write(
                        name, Fuzzing.damaged(run.files().get(name), run.files().get(other), random));
        }
    }

    /** Copies a file to the wrong place, as in restoring a backup. */
    private void copyCheckpoint(String from, String to) throws IOException {
        for (Map.Entry<String, byte[]> file : run.files().entrySet()) {
            if (file.getKey().startsWith(from)) {
                run.write(to + file.getKey().substring(from.length()), file.getValue());
            }
        }
    }

    /** Writes matching checksums, so that the damage reaches TensorFlow. */
    private void forge(String checkpoint) {
        try {
            Checksums.write(run.path().resolve(checkpoint));
        } catch (IOException e) {
            // A directory replaced a file; the checksums stay.
        }
    }
}
