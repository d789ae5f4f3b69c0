package dev.libretto.generate;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Beam search: at each character keeps the likeliest beginnings of a text, the beams, and writes the likeliest text in the end.
 * Texts that stopped early compare with others by their log-probability per character. The search ends when as many texts have
 * stopped as there are beams.
 *
 * <p>As the sampler adjusts logits, a text's score is the sum of its characters' adjusted logits, each less the log Σ exp of the
 * unadjusted ones. So one beam writes what greedy decoding with the same adjustments writes.
 */
final class BeamSearch {
    /** The characters of a beginning, which beginnings share. */
    private record Written(Written before, ScoredCharacter character) {}

    /** A beginning of a text; {@code written} is null for an empty one. */
    private record Beam(Written written, int length, double score, int last, History text) {
        static Beam of(int[] prefix, TextModel model, Sampler sampler) {
            return new Beam(null, 0, 0, Decoder.lastOf(prefix, model), History.of(model, prefix, sampler));
        }

        Beam with(ScoredCharacter next, double newScore) {
            return new Beam(new Written(written, next), length + 1, newScore, next.id(), text.with(next.id()));
        }

        boolean endsWith(int[] ids) {
            Written end = written;
            for (int i = ids.length - 1; i >= 0; i--) {
                if (end == null || end.character().id() != ids[i]) {
                    return false;
                }
                end = end.before();
            }
            return true;
        }

        double scorePerCharacter() {
            return score / Math.max(1, length);
        }

        List<ScoredCharacter> characters() {
            List<ScoredCharacter> characters = new ArrayList<>();
            for (Written end = written; end != null; end = end.before()) {
                characters.add(end.character());
            }
            Collections.reverse(characters);
            return characters;
        }
    }

    /** A character that may continue a beam. */
    private record Candidate(Beam beam, int row, float[] logits, int id, double score) {}

    /** The beams of one prefix, and the texts that ended. */
    private final class Search {
        private List<Beam> beams;
        private final List<Beam> ended = new ArrayList<>();

        Search(int[] prefix) {
            beams = List.of(Beam.of(prefix, model, options.sampler()));
        }

        boolean isOver() {
            return beams.isEmpty() || ended.size() >= width || beams.get(0).length() == options.length();
        }

        /** Returns the row of each new beam. */
        List<Integer> advance(TextModel.Step step, int firstRow, int rows) {
            List<Candidate> candidates = new ArrayList<>();
            for (int i = 0; i < beams.size(); i++) {
                addCandidates(beams.get(i), firstRow + i, step.ofRow(firstRow + i, rows), candidates);
            }
            candidates.sort(Comparator.comparingDouble(candidate -> -candidate.score()));
            List<Beam> next = new ArrayList<>();
            List<Integer> rowOfNext = new ArrayList<>();
            for (int rank = 0; rank < candidates.size() && next.size() < width; rank++) {
                Candidate candidate = candidates.get(rank);
                ScoredCharacter character = options.scored(candidate.logits(), candidate.id());
                Beam beam = candidate.beam().with(character, candidate.score());
                if (lengthOfEnd(beam) == 0) {
                    next.add(beam);
                    rowOfNext.add(candidate.row());
                } else if (rank < width) {
                    ended.add(beam);
                }
            }
            beams = next;
            return rowOfNext;
        }

        /** Adds twice as many candidates as there are beams, as half of them may end; ends a beam that has none. */
        private void addCandidates(Beam beam, int row, float[] logits, List<Candidate> candidates) {
            float[] adjusted = options.sampler().adjust(logits, beam.text());
            double logSum = Logits.logSum(logits);
            int before = candidates.size();
            IntStream.of(Logits.largest(adjusted, Math.multiplyExact(2, width)))
                    .filter(id -> adjusted[id] > Float.NEGATIVE_INFINITY)
                    .mapToObj(id -> new Candidate(beam, row, logits, id, beam.score() + adjusted[id] - logSum))
                    .forEach(candidates::add);
            if (candidates.size() == before) {
                ended.add(beam);
            }
        }

        /** Returns the likeliest text without what ends it. */
        List<ScoredCharacter> best() {
            ended.addAll(beams);
            Beam best = ended.stream()
                    .max(Comparator.comparingDouble(Beam::scorePerCharacter))
                    .orElseThrow();
            List<ScoredCharacter> characters = best.characters();
            return characters.subList(0, characters.size() - lengthOfEnd(best));
        }

        /** Returns how many of the last characters are a stop text or the end of a document. */
        private int lengthOfEnd(Beam beam) {
            int ofDocument = beam.endsWith(new int[] {model.config().end()}) ? 1 : 0;
            return options.stop().stream()
                    .filter(beam::endsWith)
                    .mapToInt(stop -> stop.length)
                    .reduce(ofDocument, Math::max);
        }
    }

    private final TextModel model;
    private final int width;
    private final Decoder.Options options;

    BeamSearch(TextModel model, int width, Decoder.Options options) {
        if (width < 1) {
            throw new IllegalArgumentException("there are " + width + " beams; there must be at least 1");
        }
        this.model = model;
        this.width = width;
        this.options = options;
    }

    /** @param before the state before the last character of each prefix */
    void write(List<int[]> prefixes, List<float[]> before, Decoder.Listener listener) {
        List<Search> searches = prefixes.stream().map(Search::new).toList();
        List<Search> running = searches;
        List<float[]> state = before;
        while (!running.isEmpty()) {
            int[] last = running.stream()
                    .flatMap(search -> search.beams.stream())
                    .mapToInt(Beam::last)
                    .toArray();
            TextModel.Step step = model.step(last, state);
            List<Integer> rowOfBeam = new ArrayList<>();
            int firstRow = 0;
            for (Search search : running) {
                int rows = search.beams.size();
                List<Integer> ofSearch = search.advance(step, firstRow, last.length);
                rowOfBeam.addAll(search.isOver() ? List.of() : ofSearch);
                firstRow += rows;
            }
            state = PrefixReader.selectRows(
                    step.state(),
                    last.length,
                    rowOfBeam.stream().mapToInt(row -> row).toArray());
            running = running.stream().filter(search -> !search.isOver()).toList();
        }
        for (int row = 0; row < searches.size(); row++) {
            for (ScoredCharacter character : searches.get(row).best()) {
                listener.written(row, character);
            }
        }
    }
}
