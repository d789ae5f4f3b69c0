package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.CharModel;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.Origin;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.VocabularyChoice;
import dev.libretto.train.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --init-from}: new runs from the weights of others. */
@Tag("numeric")
class FineTuneTest {
    /** 28 characters; the other text shares nine of them and has three of its own, one beyond the BMP. */
    private static final String TEXT = "the quick brown fox jumps over the lazy dog. ".repeat(20);

    private static final String OTHER = "the sea, 分 and 😀. ".repeat(40);

    @TempDir
    private Path folder;

    private String out;
    private String err;

    @BeforeEach
    void writeTexts() throws IOException {
        Files.writeString(folder.resolve("text.txt"), TEXT);
        Files.writeString(folder.resolve("other.txt"), OTHER);
        run("train --corpus @/text.txt --run @/run --cell gru --layers 2 --hidden-size 6 --embedding-size 5 --epochs 2"
                + " --seq-length 10 --optimizer adam");
    }

    private int runWithCode(String line) {
        String whole = line.startsWith("train --resume") || !line.startsWith("train") ? line : line + " --batch-size 4";
        CliResult result = CliResult.of(
                folder.resolve("runs"), whole.replace("@", folder.toString()).split(" "));
        out = result.out();
        err = result.err();
        return result.exitCode();
    }

    private void run(String line) {
        assertThat(runWithCode(line)).as(err).isZero();
    }

    private Weights newest(String run) throws IOException {
        return RunDirectory.open(folder.resolve(run)).newest(warning -> {}).weights();
    }

    private void assertSameBits(String run, String other) throws IOException {
        Weights weights = newest(run);
        Weights others = newest(other);
        assertThat(weights.parameters()).isEqualTo(others.parameters());
        for (Parameter parameter : weights.parameters()) {
            assertThat(weights.of(parameter)).as(parameter.name()).containsExactly(others.of(parameter));
        }
    }

    @Test
    void charactersAreSharedAddedAndKept() throws IOException {
        run("train --init-from @/run --corpus @/other.txt --run @/tuned --epochs 0");
        String weights = "weights: from " + folder + "/run; characters: 9 shared, 3 new, 19 others kept\n";
        assertThat(err).contains("model: 2 layers of GRU, 6 hidden units").contains(weights);

        RunDirectory tuned = RunDirectory.open(folder.resolve("tuned"));
        assertThat(tuned.vocabulary().symbols()).hasSize(31).endsWith(",", "分", "😀");
        assertThat(tuned.config().origin())
                .isEqualTo(new Origin(folder.resolve("run").toString(), VocabularyChoice.UNION, 9, 3, 19, false));
        Weights before = newest("run");
        Weights after = newest("tuned");
        Parameter embedding = before.parameters().get(0);
        assertThat(after.of(after.parameters().get(0))).startsWith(before.of(embedding));

        run("info @/tuned");
        assertThat(out).contains(weights).contains("\n  embedding                               155\n");
        run("info @/tuned --json");
        assertThat(out).contains("\"source\" : \"" + folder + "/run\"").contains("\"shared\" : 9,");
        run("info @/run --json");
        assertThat(out).doesNotContain("origin");
    }

    /** The reports begin with the new text, whatever the model knows. */
    @Test
    void vocabularyOfTheTextDropsTheOthers() throws IOException {
        run("train --init-from @/run --vocabulary corpus --corpus @/other.txt --run @/tuned --epochs 1 --length 1");
        assertThat(err).contains("characters: 9 shared, 3 new, 19 others dropped\n");
        assertThat(out).contains(" - the sea, 分");
        assertThat(RunDirectory.open(folder.resolve("tuned")).vocabulary().symbols())
                .hasSize(12)
                .isSorted();
    }

    /** A text of the same characters is predicted by the first weights as by the model that they came from. */
    @Test
    void untunedModelComputesTheSame() throws IOException {
        Files.writeString(folder.resolve("same.txt"), "the lazy fox over the quick dog. ".repeat(20));
        for (String choice : new String[] {"union", "corpus", "model"}) {
            run("train --init-from @/run --vocabulary " + choice + " --corpus @/text.txt --run @/" + choice
                    + " --epochs 0");
            assertSameBits(choice, "run");
        }
        run("evaluate --run @/run --corpus @/same.txt");
        String before = out;
        run("train --init-from @/run --vocabulary union --corpus @/other.txt --run @/tuned --epochs 0");
        run("evaluate --run @/tuned --corpus @/same.txt");
        assertThat(before).contains("characters predicted: 659\n");
        assertThat(out).contains("characters predicted: 659\n");
        assertThat(out).as("three more characters get some of the probability").isNotEqualTo(before);
    }

    @Test
    void resumedFineTuningMatchesUninterrupted() throws IOException {
        String line =
                "train --init-from @/run --corpus @/other.txt --freeze embedding,1 --optimizer adamw --seq-length 8"
                        + " --schedule cosine --decay-epochs 4 --dropout 0.1 --ema-decay 0.9"
                        + " --checkpoint-every 1";
        run(line + " --run @/whole --epochs 4");
        assertThat(err).contains("frozen: embedding, layer_1; ").contains("use averaged weights, decay 0.9\n");
        run(line + " --run @/halves --epochs 2");
        run("train --resume @/halves --epochs 4");
        assertSameBits("halves", "whole");

        Weights before = newest("run");
        Weights after = newest("whole");
        for (int i = 0; i < before.parameters().size(); i++) {
            Parameter parameter = before.parameters().get(i);
            float[] now = after.of(after.parameters().get(i));
            if (parameter.layer().equals("layer_1")) {
                assertThat(now).containsExactly(before.of(parameter));
            } else if (parameter.layer().equals("embedding")) {
                assertThat(now).startsWith(before.of(parameter));
            } else if (parameter.layer().equals("layer_0")) {
                assertThat(now).isNotEqualTo(before.of(parameter));
            }
        }
        run("info @/whole");
        assertThat(out).contains("\n  frozen               embedding, layer_1\n");
        assertThat(runWithCode("train --resume @/whole --freeze dense")).isEqualTo(2);
        assertThat(err).contains("--freeze is embedding, layer_1 in this run and cannot be changed; ");
        assertThat(runWithCode("train --resume @/whole --init-from @/tuned")).isEqualTo(2);
        assertThat(err).contains("--init-from is " + folder + "/run in this run and cannot be changed; ");
    }

    /** Both the weights being trained and their averages start from the run's averages. */
    @Test
    void fineTuningStartsFromAverages() throws IOException {
        run("train --init-from @/run --corpus @/text.txt --run @/averaged --epochs 2 --seq-length 10 --ema-decay 0.9");
        run("train --init-from @/averaged --corpus @/text.txt --run @/tuned --epochs 0 --ema-decay 0.5");
        assertSameBits("tuned", "averaged");
        Checkpoint averaged = RunDirectory.open(folder.resolve("averaged")).newest(warning -> {});
        Checkpoint tuned = RunDirectory.open(folder.resolve("tuned")).newest(warning -> {});
        for (Parameter parameter : tuned.weights().parameters()) {
            assertThat(trained(tuned, parameter))
                    .as(parameter.name())
                    .containsExactly(averaged.weights().of(parameter))
                    .isNotEqualTo(trained(averaged, parameter));
        }
    }

    /** Returns the weights being trained, of which a checkpoint's are the averages. */
    private static float[] trained(Checkpoint checkpoint, Parameter average) {
        return checkpoint.slots().parameters().stream()
                .filter(slot -> slot.name().equals("optimizer/weights/" + average.name()))
                .map(slot -> checkpoint.slots().of(slot))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void importedModelsAreTrainedOn() throws IOException {
        run("export --run @/run --out @/w.safetensors");
        run("import --weights @/w.safetensors --run @/imported");
        run("train --init-from @/w.safetensors --corpus @/other.txt --run @/of-file --epochs 1");
        assertThat(err).contains("weights: from " + folder + "/w.safetensors; characters: 9 shared");
        run("train --init-from @/imported --corpus @/other.txt --run @/of-run --epochs 1");
        run("train --init-from @/run --corpus @/other.txt --run @/of-original --epochs 1");
        assertSameBits("of-file", "of-original");
        assertSameBits("of-run", "of-original");

        assertThat(runWithCode("train --resume @/imported")).isEqualTo(1);
        assertThat(err).contains("cannot be resumed; start a new run from its weights with --init-from");
    }

    @Test
    void givenSizesMustBeThoseOfTheWeights() {
        run("train --init-from @/run --preset shakespeare --hidden-size 6 --cell gru --corpus @/text.txt --run @/tuned"
                + " --epochs 0");
        assertThat(err).contains("model: 2 layers of GRU, 6 hidden units");
        assertThat(runWithCode("train --init-from @/run --cell lstm --corpus @/text.txt --run @/other"))
                .isEqualTo(2);
        assertThat(err)
                .contains("--cell is gru in " + folder + "/run, whose weights decide it; remove the option, or train"
                        + " without --init-from");
    }

    @Test
    void unknownCharacterIsKept() throws IOException {
        run("train --corpus @/other.txt --min-count 60 --run @/rare --hidden-size 4 --epochs 1");
        run("train --init-from @/rare --vocabulary model --corpus @/text.txt --run @/tuned --epochs 1");
        assertThat(err).contains("28 distinct; 3 are in the vocabulary, and the others, ");
        run("train --resume @/tuned --epochs 2");
        run("generate --run @/tuned --prefix 猫 --length 1");
        try (CharModel model = CharModel.open(folder.resolve("tuned"))) {
            assertThat(model.vocabulary().hasUnknown()).isTrue();
            assertThat(model.vocabulary().symbols())
                    .isEqualTo(RunDirectory.open(folder.resolve("rare"))
                            .vocabulary()
                            .symbols());
        }

        assertThat(runWithCode("train --init-from @/run --vocabulary model --corpus @/other.txt --run @/none"))
                .isEqualTo(1);
        assertThat(err)
                .contains("other.txt has 3 characters that the model does not know, such as ',' (U+002C); use the"
                        + " vocabulary union or corpus");
    }

    /** A model that has read line ends goes on to read them. */
    @Test
    void newlinesAreKeptIfTheModelsTextKeptThem() throws IOException {
        Files.writeString(folder.resolve("lines.txt"), "one\ntwo\n".repeat(60));
        run("train --corpus @/lines.txt --keep-newlines --run @/lines --hidden-size 4 --epochs 0");
        run("train --init-from @/lines --corpus @/lines.txt --run @/tuned --epochs 0");
        assertThat(RunDirectory.open(folder.resolve("tuned")).config().corpus().keepNewlines())
                .isTrue();
    }
}
