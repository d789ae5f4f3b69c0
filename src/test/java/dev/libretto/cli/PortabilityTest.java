package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.export.ExecutableModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs {@code export} and {@code import}. */
@Tag("numeric")
class PortabilityTest {
    @TempDir
    private static Path trained;

    @TempDir
    private Path folder;

    private static String out;
    private static String err;

    @BeforeAll
    static void train() throws IOException {
        Path corpus = trained.resolve("text.txt");
        Files.writeString(corpus, "the quick brown fox\njumps over the lazy dog. ".repeat(9));
        for (String cell : List.of("rnn", "gru", "gru-reset-before", "lstm")) {
            assertThat(run("train --keep-newlines --hidden-size 5 --layers 2 --seq-length 5 --batch-size 4 --epochs 1"
                            + " --prefix the --cell " + cell + " --corpus " + corpus + " --run " + trained + "/"
                            + cell))
                    .isZero();
        }
    }

    private static int run(String line) {
        CliResult result = CliResult.of(trained.resolve("runs"), line.split(" "));
        out = result.out();
        err = result.err();
        return result.exitCode();
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private String textOf(String run) {
        assertThat(run("generate --prefix the --length 30 --run " + run)).isZero();
        return out;
    }

    @ParameterizedTest
    @CsvSource({"rnn, pytorch", "rnn, keras", "gru, pytorch", "gru, keras", "lstm, pytorch", "gru-reset-before, keras"})
    void importedRunEqualsExportedRun(String cell, String layout) throws IOException {
        String run = trained + "/" + cell;
        String file = folder + "/weights";
        assertThat(run("export --run " + run + " --layout " + layout + " --out " + file))
                .isZero();
        assertThat(out).isEmpty();
        assertThat(err)
                .contains("parameters to " + file + " in the " + layout + " layout; " + file + ".json describes");
        assertThat(files()).containsExactly("weights", "weights.json");

        assertThat(run("import --weights " + file + " --run " + folder + "/back"))
                .isZero();
        assertThat(err).contains("libretto generate --run " + folder + "/back --prefix ");
        assertThat(textOf(folder + "/back")).isEqualTo(textOf(run));
    }

    @Test
    void importedRunIsEvaluatedButCannotBeResumed() {
        assertThat(run("export --run " + trained + "/rnn --out " + folder + "/w"))
                .isZero();
        assertThat(run("import --weights " + folder + "/w --run " + folder + "/back"))
                .isZero();
        String evaluate = "evaluate --corpus " + trained + "/text.txt --run ";
        assertThat(run(evaluate + trained + "/rnn")).isZero();
        String evaluation = out;
        assertThat(run(evaluate + folder + "/back")).isZero();
        assertThat(out).isEqualTo(evaluation).contains("left out: 0");

        assertThat(run("train --resume " + folder + "/back")).isEqualTo(1);
        assertThat(err)
                .contains("was imported, so its training text is unknown")
                .hasLineCount(1);
    }

    @Test
    void existingFilesAreReplacedOnlyWithOverwrite() throws IOException {
        String export = "export --run " + trained + "/rnn --out " + folder + "/w";
        Files.writeString(folder.resolve("w.json"), "mine");
        assertThat(run(export)).isEqualTo(1);
        assertThat(err).contains("w.json already exists; overwrite it");
        assertThat(files()).containsExactly("w.json");
        assertThat(folder.resolve("w.json")).hasContent("mine");

        assertThat(run(export + " --overwrite")).isZero();
        assertThat(run(export)).isEqualTo(1);

        String again = "import --weights " + folder + "/w --run " + folder + "/back";
        assertThat(run(again)).isZero();
        assertThat(run(again)).isEqualTo(1);
        assertThat(err).contains("already holds a run");
        assertThat(run(again + " --overwrite")).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"savedmodel", "onnx"})
    void exportedModelIsReplacedOnlyWithOverwrite(String format) throws IOException {
        String export = "export --format " + format + " --out " + folder + "/model --run " + trained;
        assertThat(run(export + "/rnn")).isZero();
        assertThat(out).isEmpty();
        assertThat(err)
                .contains("wrote a model of 404 parameters to " + folder + "/model")
                .hasLineCount(1);
        assertThat(files()).containsExactly("model");

        assertThat(run(export + "/lstm")).isEqualTo(1);
        assertThat(err).contains("/model already exists; overwrite it").hasLineCount(1);
        assertThat(settings()).isEqualTo("rnn");

        assertThat(run(export + "/lstm --overwrite")).isZero();
        assertThat(settings()).isEqualTo("lstm");
        assertThat(files()).containsExactly("model");
    }

    @Test
    void fileExtensionSelectsTheFormat() throws IOException {
        for (String name : List.of("w.safetensors", "w.onnx", "w.SAFETENSORS", "w", "w.2024")) {
            assertThat(run("export --run " + trained + "/rnn --out " + folder + "/" + name))
                    .isZero();
        }
        assertThat(files())
                .containsExactly(
                        "w",
                        "w.2024",
                        "w.2024.json",
                        "w.SAFETENSORS",
                        "w.SAFETENSORS.json",
                        "w.json",
                        "w.onnx",
                        "w.safetensors",
                        "w.safetensors.json");
        assertThat(folder.resolve("w.SAFETENSORS")).hasSameBinaryContentAs(folder.resolve("w.safetensors"));
        assertThat(folder.resolve("w")).hasSameBinaryContentAs(folder.resolve("w.safetensors"));
        assertThat(folder.resolve("w.2024")).hasSameBinaryContentAs(folder.resolve("w.safetensors"));
        assertThat(run("generate --prefix the --model " + folder + "/w.onnx")).isZero();
        assertThat(run("import --weights " + folder + "/w.safetensors --run " + folder + "/back"))
                .isZero();
    }

    private String settings() throws IOException {
        try (ExecutableModel model = ExecutableModel.open(folder.resolve("model"))) {
            return model.settings().model().cell().toString();
        }
    }

    @Test
    void rejectedImportLeavesNoFiles() throws IOException {
        assertThat(run("export --run " + trained + "/gru-reset-before --out " + folder + "/w"))
                .isEqualTo(1);
        assertThat(err)
                .contains("PyTorch has no gru-reset-before; use the keras layout")
                .hasLineCount(1);
        assertThat(files()).isEmpty();

        assertThat(run("export --run " + trained + "/rnn --out " + folder + "/none/w"))
                .isEqualTo(1);
        assertThat(err)
                .contains(
                        "there is no directory " + folder + "/none to write " + folder + "/none/w to; create it first");

        assertThat(run("export --run " + trained + "/rnn --out " + folder + "/rnn"))
                .isZero();
        assertThat(run("export --run " + trained + "/lstm --out " + folder + "/lstm"))
                .isZero();
        String wrong = "import --weights " + folder + "/lstm --description " + folder + "/rnn.json --run " + folder;
        assertThat(run(wrong + "/back")).isEqualTo(1);
        assertThat(err)
                .endsWith(
                        "/lstm: the arrays are those of cell lstm in the pytorch layout, but cell is rnn and layout is"
                                + " pytorch; correct the description\n")
                .hasLineCount(1);

        Files.writeString(folder.resolve("rnn"), "short");
        assertThat(run("import --weights " + folder + "/rnn --run " + folder + "/back"))
                .isEqualTo(1);
        assertThat(err).contains("/rnn: it is not a safetensors file");

        Files.writeString(folder.resolve("lstm.json"), "{\"layout\": \"pytorch\"}");
        assertThat(run("import --weights " + folder + "/lstm --run " + folder + "/back"))
                .isEqualTo(1);
        assertThat(err)
                .contains("/lstm.json: line 1, column 21: model is missing")
                .hasLineCount(1);

        Files.delete(folder.resolve("lstm.json"));
        assertThat(run("import --weights " + folder + "/lstm --run " + folder + "/back"))
                .isEqualTo(1);
        assertThat(err)
                .contains("/lstm.json: there is no such file; it describes the model: export writes it")
                .hasLineCount(1);
        assertThat(files()).containsExactly("lstm", "rnn", "rnn.json");
    }
}
