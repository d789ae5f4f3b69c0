package dev.libretto;

import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.generate.TextModel;
import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.Trainer;
import dev.libretto.train.TrainingData;
import dev.libretto.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;

/** The example in docs/library.md. */
final class LibraryExample {
    private LibraryExample() {}

    static void trainAndWrite(Path directory) throws IOException {
        CorpusOptions options = CorpusOptions.WHOLE_TEXT.withMaxChars(5_000);
        Corpus corpus = Corpus.builtIn(options);
        Vocabulary vocabulary = Vocabulary.of(corpus);
        ModelConfig model = new ModelConfig(CellType.GRU, vocabulary.size(), 64, 1);
        TrainConfig training = TrainConfig.TEXTBOOK.withEpochs(10);
        RunConfig config = new RunConfig(CorpusInfo.of(corpus), model, training);
        Checkpoint start = Checkpoint.start(model, training, Initializers.draw(LanguageModel.parameters(model), 1));
        Batches batches = new Batches(vocabulary.encode(corpus), 32, 35, training.sampling(), training.seed());
        try (RunDirectory run = RunDirectory.create(directory, config, vocabulary, false);
                Trainer trainer = new Trainer(
                        model, training, new TrainingData(batches, Ids.of()), start, run, TrainingListener.NONE)) {
            trainer.train();
            try (TextModel trained =
                    new EagerModel(model, run.newest(System.err::println).weights())) {
                int[] prefix = vocabulary.encode("分开");
                new Decoder(trained).continueText(prefix, 20, id -> System.out.print(vocabulary.decode(id)));
            }
        }
    }
}
