package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.cli.CliResult;
import dev.libretto.export.ExportFormat;
import dev.libretto.generate.Sampler;
import dev.libretto.model.CellType;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Documents;
import dev.libretto.train.Optimizer;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Models of names, titles and verses, on the command line and as a library. */
@Tag("numeric")
class WholeDocumentsTest {
    private static final List<String> NAMES = List.of("emma", "ava", "olivia", "zoe");

    /** The first character of each decides all that follow, so no rounding changes a choice. */
    private static final List<String> TITLES = List.of("分开", "海浪与天空", "Emma😀", "不");

    @TempDir
    private Path folder;

    private static Training.Builder small() {
        return Training.builder()
                .settings(TrainConfig.TEXTBOOK.with(config -> {
                    config.batchSize = 6;
                    config.seqLength = 10;
                    config.parts = 2;
                }))
                .cell(CellType.LSTM)
                .hiddenSize(24)
                .epochs(40)
                .optimizer(Optimizer.adam(0.02));
    }

    private static String repeated(List<String> documents, String separator) {
        return (String.join(separator, documents) + separator).repeat(30);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(folder.resolve(name), text);
    }

    @Test
    void titlesAreContinuedToTheirEnds() throws IOException {
        Path text = write("titles.txt", repeated(TITLES, "\n"));
        CliResult trained =
                command("train --corpus " + text + " --documents lines --cell lstm --hidden-size 24 --batch-size 6"
                        + " --parts 2 --seq-length 10 --epochs 40 --optimizer adam --learning-rate 0.02 --run " + folder
                        + "/run");
        assertThat(trained.err())
                .contains("corpus: " + text + ", 120 documents, 390 characters, 12 distinct\n")
                .endsWith("generate --run " + folder + "/run --temperature 1 --num-samples 10\n");
        assertThat(trained.out()).as("a whole document").matches("epoch 40, .*\n - (分开|海浪与天空|Emma😀|不)\n");

        String generate = "generate --run " + folder + "/run";
        for (String title : TITLES) {
            String first = title.substring(0, 1);
            assertThat(command(generate + " --prefix " + first).out()).isEqualTo(title + "\n");
            assertThat(command(generate + " --decoder graph --prefix " + title).out())
                    .isEqualTo(title + "\n");
        }
        assertThat(command(generate + " --temperature 1 --top-p 0.9 --num-samples 20")
                        .out()
                        .lines())
                .hasSize(20)
                .isSubsetOf(TITLES)
                .contains(TITLES.get(1));
        assertThat(command(generate + " --temperature 1 --top-p 0.9 --format jsonl")
                        .out())
                .startsWith("{\"prefix\":\"\",\"text\":\"");
        assertThat(command(generate + " --prefix 海 --length 2").out()).isEqualTo("海浪与\n");

        CliResult evaluated = command("evaluate --run " + folder + "/run --corpus " + text);
        assertThat(evaluated.out())
                .startsWith("documents: 120, the end of each predicted like a character\ncharacters predicted: 510\n");
        assertThat(command("info " + folder + "/run").out())
                .contains("\n  end symbol           true\n", "390 characters");
    }

    @Test
    void everyExportWritesTheSame() throws IOException {
        Path text = write("titles.txt", repeated(TITLES, "\n"));
        Path run = folder.resolve("run");
        CorpusOptions lines = CorpusOptions.WHOLE_TEXT.withDocuments(Documents.LINES);
        Corpus corpus = Corpus.read(text, lines);
        try (CharModel model = small().build().fit(corpus, run)) {
            for (String title : TITLES) {
                assertThat(model.write(title.substring(0, 1), 30)).isEqualTo(title);
            }
            assertThat(TITLES)
                    .contains(
                            model.write("", 30),
                            model.write("", 30, Sampler.temperature(1).withTopP(0.9)));
            model.export(ExportFormat.ONNX, folder.resolve("model.onnx"));
            model.export(ExportFormat.SAVEDMODEL, folder.resolve("saved"));
            model.export(ExportFormat.SAFETENSORS, folder.resolve("model.safetensors"));
            double loss = model.evaluate(corpus).loss();
            command("import --weights " + folder + "/model.safetensors --run " + folder + "/imported");
            for (String source : List.of("--model model.onnx", "--model saved", "--run imported")) {
                String generate = "generate " + source.replace(" ", " " + folder + "/");
                assertThat(command(generate + " --prefix 海").out()).as(source).isEqualTo("海浪与天空\n");
                assertThat(command(generate + " --temperature 1 --top-p 0.9 --num-samples 9")
                                .out()
                                .lines())
                        .as(source)
                        .hasSize(9)
                        .isSubsetOf(TITLES);
            }
            String evaluate = "evaluate --run " + folder + "/imported --corpus " + text;
            assertThat(CliResult.of(folder, evaluate.split(" ")).err())
                    .contains("say what of the text is one with --documents");
            assertThat(command(evaluate + " --documents lines").out()).contains(String.format("loss: %f", loss));
            assertThatThrownBy(() -> model.evaluate(Corpus.read(text)))
                    .hasMessageEndingWith("was not read as documents; read it so");
        }
    }

    @Test
    void versesKeepTheirLines() throws IOException {
        List<String> verses = List.of("床前明月光\n疑是地上霜", "红豆生南国\n春来发几枝");
        Path text = write("verses.txt", repeated(verses, "\n\n"));
        command("train --corpus " + text
                + " --max-chars 0 --documents blank-lines --keep-newlines --cell gru --hidden-size 24"
                + " --batch-size 6 --parts 2 --seq-length 10 --epochs 40 --optimizer adam --learning-rate 0.02 --run "
                + folder + "/run");
        String generate = "generate --run " + folder + "/run";
        for (String verse : verses) {
            assertThat(command(generate + " --prefix " + verse.charAt(0)).out()).isEqualTo(verse + "\n");
        }
        // The end is no text, so a stop text cannot contain it.
        assertThat(command(generate + " --prefix 床 --stop 霜").out()).isEqualTo("床前明月光\n疑是地上\n");
    }

    @ParameterizedTest
    @EnumSource
    void resumedRunMatchesUninterruptedRun(Sampling sampling) throws IOException {
        Path names = write("names.txt", repeated(NAMES, "\n"));
        Corpus corpus = Corpus.read(names, CorpusOptions.WHOLE_TEXT.withDocuments(Documents.LINES));
        Path run = folder.resolve("run");
        int[] asked = {0};
        Training.Builder training = small().sampling(sampling)
                .epochs(3)
                .validationFraction(0.2)
                .dropout(0.1)
                .layers(2);
        training.stopWhen(() -> ++asked[0] == 4).build().fit(corpus, run).close();
        assertThat(RunDirectory.open(run).newestProgress(warning -> {}).step()).isEqualTo(4);

        command("train --resume " + run);
        training.stopWhen(() -> false);
        try (CharModel resumed = CharModel.open(run);
                CharModel whole = training.build().fit(corpus)) {
            assertSameBits(resumed.weights(), whole.weights());
        }
        CliResult refused = CliResult.of(folder, "train", "--resume", run.toString(), "--documents", "files");
        assertThat(refused.err()).contains("--documents is lines in this run and cannot be changed");
    }

    private CliResult command(String line) {
        CliResult result = CliResult.of(folder.resolve("runs"), line.split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result;
    }

    private static void assertSameBits(Weights actual, Weights expected) {
        assertThat(actual.parameters()).isEqualTo(expected.parameters());
        for (Parameter parameter : expected.parameters()) {
            assertThat(actual.of(parameter)).as(parameter.name()).containsExactly(expected.of(parameter));
        }
    }
}
