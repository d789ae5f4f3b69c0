package dev.libretto.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.ByteSource;
import dev.libretto.Fuzzing;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Progress;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
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

/** Whatever its values, a run is read back equal to what was written. */
class RunValuesFuzzTest {
    private static final int TRIES = 10_000;
    private static final List<String> ENCODINGS =
            List.copyOf(Charset.availableCharsets().keySet());

    @TempDir(factory = Fuzzing.InMemory.class)
    private Path folder;

    @FuzzTest
    void valuesRoundTrip(byte[] choices) throws IOException {
        valuesRoundTrip(new ByteSource(choices));
    }

    @Test
    @Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = ThreadMode.SEPARATE_THREAD)
    void randomValues() throws IOException {
        for (int seed = 0; seed < 1_000; seed++) {
            valuesRoundTrip(new SplittableRandom(seed));
        }
    }

    private void valuesRoundTrip(RandomGenerator random) throws IOException {
        switch (random.nextInt(4)) {
            case 0 -> {
                RunConfig config = any(RunConfig.class, random);
                assertThat(Json.<RunConfig>read(write(config), new TypeReference<>() {}))
                        .isEqualTo(config);
            }
            case 1 -> {
                Progress progress = any(Progress.class, random);
                assertThat(Json.<Progress>read(write(progress), new TypeReference<>() {}))
                        .isEqualTo(progress);
            }
            case 2 -> vocabulary(random);
            default -> checkpoint(random);
        }
    }

    private void vocabulary(RandomGenerator random) throws IOException {
        int surrogates = Character.MAX_SURROGATE - Character.MIN_SURROGATE + 1;
        int[] text = random.ints(1 + random.nextInt(300), 0, Character.MAX_CODE_POINT + 1 - surrogates)
                .map(c -> c < Character.MIN_SURROGATE ? c : c + surrogates)
                .toArray();
        List<String> symbols = Vocabulary.of(new Corpus("test", text)).symbols();
        List<String> read = Json.read(write(symbols), new TypeReference<>() {});

        assertThat(Vocabulary.ofSymbols(read, false).symbols()).isEqualTo(symbols);
    }

    private void checkpoint(RandomGenerator random) throws IOException {
        CellType cell = CellType.values()[random.nextInt(CellType.values().length)];
        ModelConfig model =
                new ModelConfig(cell, 1 + random.nextInt(20), 1 + random.nextInt(20), 1 + random.nextInt(3));
        Optimizer.Kind kind = Optimizer.Kind.values()[random.nextInt(5)];
        RunConfig config = new RunConfig(
                TestRun.CONFIG.corpus(),
                model,
                TestRun.CONFIG.training().with(c -> c.optimizer = Optimizer.defaults(kind)));
        Checkpoint checkpoint = new Checkpoint(
                anyBits(LanguageModel.parameters(model), random),
                anyBits(Checkpoint.slotArrays(config.model(), config.training()), random),
                anyBits(Checkpoint.stateArrays(config.model(), config.training()), random),
                any(Progress.class, random));
        Path directory = folder.resolve("checkpoint");
        TestRun.deleteTree(directory);
        Files.createDirectory(directory);
        CheckpointFiles.write(checkpoint, directory);

        assertThat(TestRun.same(CheckpointFiles.read(directory, config), checkpoint))
                .isTrue();
    }

    private Path write(Object value) throws IOException {
        Path file = folder.resolve("value.json");
        Files.deleteIfExists(file);
        return Files.write(file, Json.write(value).getBytes(UTF_8));
    }

    /** Returns floats of arbitrary bits: subnormals, negative zeros, infinities and NaNs. */
    private static Weights anyBits(List<Parameter> arrays, RandomGenerator random) {
        return new Weights(arrays, array -> {
            float[] values = new float[array.size()];
            for (int i = 0; i < values.length; i++) {
                values[i] = Float.intBitsToFloat(random.nextInt());
            }
            return values;
        });
    }

    /** Returns a record of random values that its constructor accepts. */
    private static <T> T any(Class<T> type, RandomGenerator random) {
        RecordComponent[] components = type.getRecordComponents();
        Class<?>[] types =
                Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        for (int i = 0; i < TRIES; i++) {
            Object[] values = Arrays.stream(components)
                    .map(component -> any(component, random))
                    .toArray();
            try {
                return type.getDeclaredConstructor(types).newInstance(values);
            } catch (InvocationTargetException e) {
                assertThat(e.getCause()).isInstanceOf(IllegalArgumentException.class);
            } catch (ReflectiveOperationException e) {
                throw new AssertionError(e);
            }
        }
        throw new AssertionError("none of " + TRIES + " tries is a " + type + "; restrict its values below");
    }

    /** @param part at least 0, less than 1 */
    private static double tame(String name, double part) {
        return switch (name) {
            case "momentum", "rho", "beta1", "beta2", "dropout", "emaDecay", "fraction", "warmupEpochs" -> part;
            case "decay" -> 1 - part;
            default -> 2 + part;
        };
    }

    /** Returns a random value, mostly one that is valid; choices of all zeros give only valid ones. */
    private static Object any(RecordComponent component, RandomGenerator random) {
        Class<?> type = component.getType();
        boolean tame = random.nextInt(4) < 3;
        if (type.isRecord()) {
            boolean isOptional = component.getDeclaringRecord() == ValidationConfig.class
                    || component.getDeclaringRecord() == Progress.class;
            boolean isAbsent = isOptional && random.nextInt(3) == 0;
            return isAbsent ? null : any(type, random);
        }
        if (type.isSealed()) {
            Class<?>[] records = type.getPermittedSubclasses();
            return any(records[random.nextInt(records.length)], random);
        }
        if (type.isEnum()) {
            return type.getEnumConstants()[random.nextInt(type.getEnumConstants().length)];
        }
        if (type == int.class) {
            int least = component.getName().equals("patience") ? 0 : 1;
            return tame ? least + random.nextInt(100) : random.nextInt();
        }
        if (type == long.class) {
            return tame ? random.nextInt(100) : random.nextLong();
        }
        if (type == double.class) {
            return tame ? tame(component.getName(), random.nextDouble()) : Double.longBitsToDouble(random.nextLong());
        }
        if (type == Double.class) {
            return tame ? random.nextDouble() : null;
        }
        if (type == boolean.class) {
            return random.nextBoolean();
        }
        if (component.getName().equals("encoding")) {
            return ENCODINGS.get(random.nextInt(ENCODINGS.size()));
        }
        if (type == String.class) {
            return text(random);
        }
        if (component.getType() == List.class) {
            return Stream.generate(() -> text(random)).limit(random.nextInt(3)).toList();
        }
        throw new AssertionError("make values of " + type + " here, for " + component);
    }

    private static String text(RandomGenerator random) {
        return random.ints(random.nextInt(20), 1, Character.MIN_SURROGATE)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }
}
