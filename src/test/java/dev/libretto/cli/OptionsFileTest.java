package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.TestModels;
import dev.libretto.cli.OptionsFile.Preset;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.run.Origin;
import dev.libretto.run.RunConfig;
import dev.libretto.text.VocabularyChoice;
import dev.libretto.train.Clipping;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Optimizer.Kind;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class OptionsFileTest {
    @TempDir
    private Path folder;

    @Test
    void textbookPresetEqualsTheDefaults() throws Exception {
        Arguments none = parse();
        Arguments textbook = none.with(Preset.TEXTBOOK.read(TrainFlags.SETTINGS));

        assertThat(TrainFlags.trainConfig(textbook, 1, null)).isEqualTo(TrainFlags.trainConfig(none, 1, null));
        assertThat(TrainFlags.modelConfig(textbook, null)).isEqualTo(TrainFlags.modelConfig(none, null));
        assertThat(TrainFlags.corpusOptions(textbook, null)).isEqualTo(TrainFlags.corpusOptions(none, null));
        assertThat(textbook.get(TrainFlags.REPORT_EVERY)).isEqualTo(none.get(TrainFlags.REPORT_EVERY));
    }

    @Test
    void resumingAcceptsAnOptionWithTheRunsOwnValue() throws Exception {
        RunConfig run = TestModels.runConfig(new ModelConfig(CellType.RNN, 9, 4, 1), 5, 2, 1);
        String[] same = {
            "--cell", "rnn", "--layers", "1", "--learning-rate", "100", "--schedule", "constant", "--epsilon", "1e-8",
            "--clip-norm", "1", "--sampling", "consecutive", "--seq-length", "5", "--dropout", "0", "--seed", "1"
        };
        assertThat(TrainFlags.resumedConfig(parse(same), run, Progress.start())).isEqualTo(run.training());
    }

    /** Otherwise {@code --resume} would reject the option even with the run's own value. */
    @Test
    void everyOptionThatARunKeepsIsFoundInItsConfiguration() {
        RunConfig run = TestModels.runConfig(new ModelConfig(CellType.RNN, 9, 4, 1), 5, 2, 1);
        Origin origin = new Origin("/runs/other", VocabularyChoice.UNION, 9, 0, 0, false);
        JsonNode settings = Json.tree(new RunConfig(run.corpus(), run.model(), run.training(), run.report(), origin));
        assertThat(TrainFlags.SETTINGS)
                .filteredOn(flag ->
                        !TrainFlags.CHANGEABLE.contains(flag) && !flag.name().startsWith("clip-"))
                .allSatisfy(flag -> assertThat(settings.findValue(TrainFlags.componentOf(flag)))
                        .as(flag.name())
                        .isNotNull());
    }

    @ParameterizedTest
    @EnumSource
    void everyPresetIsValid(Preset preset) throws Exception {
        Arguments arguments = parse("--preset", preset.toString());
        Arguments all = TrainFlags.withFiles(arguments);

        assertThat(TrainFlags.trainConfig(all, 1, null)).isNotNull();
        assertThat(TrainFlags.modelConfig(all, null)).isNotNull();
    }

    @Test
    void commandLineOverridesFileAndPreset() throws Exception {
        String file = write("{\"layers\": 3, \"hidden-size\": 7, \"clip-value\": 2, \"keep-newlines\": false}");
        Arguments arguments = TrainFlags.withFiles(
                parse("--preset", "shakespeare", "--config", file, "--hidden-size", "9", "--clip-norm", "0.5"));

        assertThat(arguments.get(TrainFlags.CELL)).hasToString("lstm");
        assertThat(arguments.get(TrainFlags.LAYERS)).isEqualTo(3);
        assertThat(arguments.get(TrainFlags.HIDDEN_SIZE)).isEqualTo(9);
        assertThat(arguments.get(TrainFlags.KEEP_NEWLINES)).isFalse();
        assertThat(TrainFlags.trainConfig(arguments, 1, null)
                        .optimizer()
                        .clipping()
                        .limit())
                .isEqualTo(0.5);
    }

    /** Its weight decay stays and has no effect. */
    @Test
    void anotherOptimizerHasItsOwnRateAndClipping() throws Exception {
        Arguments arguments = TrainFlags.withFiles(parse("--preset", "shakespeare", "--optimizer", "sgd"));
        assertThat(TrainFlags.trainConfig(arguments, 1, null).optimizer())
                .isEqualTo(Optimizer.TEXTBOOK.withLearningRate(
                        TrainFlags.trainConfig(TrainFlags.withFiles(parse("--preset", "shakespeare")), 1, null)
                                .optimizer()
                                .learningRate()
                                .withRate(100)));
    }

    @Test
    void partsOfAFileAreUsed() throws Exception {
        Arguments arguments = TrainFlags.withFiles(parse("--config", write("{\"batch-size\": 16, \"parts\": 4}")));
        assertThat(TrainFlags.trainConfig(arguments, 1, null).parts()).isEqualTo(4);
    }

    /** Another optimizer has its own learning rate and clipping; one kind of clipping replaces the other. */
    @Test
    void optionOverridesMutuallyExclusiveOnesOfFileAndPreset() throws Exception {
        Arguments adam = TrainFlags.withFiles(parse("--optimizer", "adam"));
        assertThat(TrainFlags.trainConfig(adam, 1, null).optimizer()).isEqualTo(Optimizer.defaults(Kind.ADAM));

        Arguments byValue = TrainFlags.withFiles(parse("--config", write("{\"clip-value\": 2}")));
        assertThat(TrainFlags.trainConfig(byValue, 1, null).optimizer().clipping())
                .isEqualTo(new Clipping(Clipping.By.VALUE, 2));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"layer": 3}            | options.json: unknown setting "layer"; it must be
            {"run": "x"}            | options.json: unknown setting "run"; it must be
            {"layers": [3]}         | options.json: layers must be a string, a number, true or false (got [3])
            {"layers": null}        | options.json: layers must be a string, a number, true or false (got null)
            {"layers": 0}           | options.json: layers must be an integer from 1 to 64 (got 0)
            {"keep-newlines": 1}    | options.json: keep-newlines must be true or false (got 1)
            [1]                     | options.json: line 1, column 1: it must be an object in braces (got a list)
            {"layers": 1            | options.json: line 1, column 13: it ends too early
            """)
    void invalidFileIsReported(String content, String message) throws IOException {
        String file = write(content);
        assertThatThrownBy(() -> {
                    Arguments arguments = TrainFlags.withFiles(parse("--config", file));
                    TrainFlags.modelConfig(arguments, null);
                    arguments.get(TrainFlags.KEEP_NEWLINES);
                })
                .hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"momentum": 0.5}                        |                     | --momentum has no effect with --optimizer sgd
            {"beta1": 0.5, "optimizer": "rmsprop"}   |                     | --beta1 has no effect with --optimizer rmsprop
            {"optimizer": "sgd"}                     | --weight-decay=0.1  | --weight-decay has no effect with --optimizer sgd
            {"schedule": "constant"}                 | --decay=0.5         | --decay has no effect with --schedule constant
            {"decay": 0.5}                           |                     | --decay has no effect with --schedule constant
            {"max-rollbacks": 2}                     |                     | --max-rollbacks has no effect with --on-divergence stop
            {"beta1": 0.5, "optimizer": "adam"}      | --optimizer=sgd     |
            {"beta1": 0.5}                           | --optimizer=adam    |
            {"beta1": 0.5}                           | --preset=shakespeare |
            {"schedule": "constant"}                 | --preset=shakespeare |
            {"decay": 0.5, "schedule": "cosine"}     | --schedule=constant |
            """)
    void explicitOptionWithoutEffectIsRejected(String content, String word, String message) throws Exception {
        List<String> words = new ArrayList<>(List.of("--config", write(content)));
        if (word != null) {
            words.add(word);
        }
        Arguments arguments = TrainFlags.withFiles(parse(words.toArray(String[]::new)));
        if (message == null) {
            assertThat(TrainFlags.trainConfig(arguments, 1, null)).isNotNull();
        } else {
            assertThatThrownBy(() -> TrainFlags.trainConfig(arguments, 1, null))
                    .isInstanceOf(UsageException.class)
                    .hasMessageStartingWith(message);
        }
    }

    private String write(String content) throws IOException {
        return Files.writeString(folder.resolve("options.json"), content).toString();
    }

    private static Arguments parse(String... words) throws UsageException {
        return Arguments.parse(TrainFlags.ALL, false, List.of(words));
    }
}
