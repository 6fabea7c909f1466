/** Common first names of several countries that are no common words, months or products. */
export const FIRST_NAMES: ReadonlySet<string> = new Set(
  (
    'James John Robert Michael William David Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Steven ' +
    'Andrew Paul Joshua Kenneth Kevin Brian George Edward Ronald Timothy Jason Jeffrey Ryan Jacob Gary Nicholas Eric ' +
    'Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Peter Henry Walter Kyle ' +
    'Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Margaret Sandra Ashley ' +
    'Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Kathleen Amy ' +
    'Angela Shirley Anna Brenda Pamela Emma Nicole Helen Samantha Katherine Christine Rachel Carolyn Janet Catherine ' +
    'Maria Heather Diane Julie Olivia Joyce Victoria Kelly Hans Jürgen Klaus Wolfgang Stefan Andreas Matthias Sabine ' +
    'Petra Monika Ursula Claudia Katharina Julia Pierre Jean François Michel Philippe Nathalie Isabelle Sophie Camille ' +
    'José Juan Carlos Luis Javier Miguel Antonio Carmen Ana Lucía Elena Giuseppe Giovanni Francesco Luca Giulia Chiara ' +
    'Wei Ming Hiroshi Yuki Kenji Priya Rahul Anjali Sanjay Ahmed Mohammed Fatima Omar Aisha Ivan Olga Natasha Dmitri'
  ).split(' '),
);
